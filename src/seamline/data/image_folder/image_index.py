"""Find images by the names that tables and exports give them."""

from collections import defaultdict
from functools import cached_property
from pathlib import Path

from seamline.data.image_folder.file_tree import FileTree, find_file, list_tree, normalize
from seamline.data.image_folder.folder_names import split_from_path, split_of_name

_SUFFIXES = ("", ".jpg", ".jpeg", ".png")


class ImageIndex:
    """The images below a folder, by their names."""

    def __init__(self, tree: FileTree) -> None:
        self.tree = tree

    @cached_property
    def files(self) -> list[Path]:
        """The images below the folder, also where the tree is a single table."""
        is_table = len(self.tree.files) == 1 and self.tree.files[0].parent == self.tree.folder
        return list_tree(self.tree.folder).images if is_table else self.tree.images

    @cached_property
    def _by_path(self) -> dict[str, Path]:
        return {self._relative(file): file for file in self.files}

    def _relative(self, file: Path) -> str:
        return normalize(file.relative_to(self.tree.folder).as_posix())

    @cached_property
    def _by_end(self) -> dict[str, list[Path]]:
        """The images by their name, and by their folder and name: thousands of folders may have an `image.png`."""
        ends: dict[str, list[Path]] = defaultdict(list)
        for file in self.files:
            path = self._relative(file)
            for end in {_end(path, 1), _end(path, 2)}:
                ends[end].append(file)
        return ends

    def find(self, name: str, source: Path) -> Path | list[Path] | None:
        """Return the image that a file names; several where the name fits them equally, None where it fits none."""
        relative = normalize(name.replace("\\", "/").removeprefix("./"))
        if not relative or "\0" in relative:
            return None
        folder = self._relative(source.parent)
        for prefix in ("" if folder == "." else f"{folder}/", f"{folder}/images/".removeprefix("./")):
            for suffix in _SUFFIXES:
                if image := self._by_path.get(f"{prefix}{relative}{suffix}"):
                    return image
        for suffix in _SUFFIXES:
            ending = f"/{relative}{suffix}"
            candidates = self._by_end.get(_end(ending[1:], 2), [])
            fitting = [file for file in candidates if f"/{self._relative(file)}".endswith(ending)]
            if split := split_of_name(source.stem):
                inside = [
                    file for file in fitting if split_from_path(file.relative_to(self.tree.folder).parts) == split
                ]
                fitting = inside or fitting
            if fitting:
                return fitting[0] if len(fitting) == 1 else fitting
        return find_file(name, [source.parent, source.parent / "images"], _SUFFIXES)


def _end(path: str, parts: int) -> str:
    """Return the last parts of a path with forward slashes."""
    return "/".join(path.rsplit("/", parts)[-parts:])
