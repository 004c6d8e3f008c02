"""Trimaps as of Oxford-IIIT Pets: `images/` with `annotations/trimaps/`."""

from seamline.data.image_folder.file_tree import FileTree, read_text
from seamline.data.image_folder.records import BACKGROUND, FolderContents, MaskClass, MaskLegend
from seamline.errors import SeamlineError

_LEGEND = MaskLegend(
    (MaskClass(BACKGROUND, 2), MaskClass("foreground", 1)),
    ignored=(3,),
    source="a trimap (1 foreground, 2 background, 3 border)",
)
_LISTS = {"trainval.txt": "train", "train.txt": "train", "val.txt": "val", "test.txt": "test"}


def parse(tree: FileTree) -> FolderContents | None:
    """Read images with trimaps: 1 is the foreground, 2 the background, and 3, the border, is ignored.

    `trainval.txt` and `test.txt` beside the folder of trimaps define the splits. None where there are no trimaps.

    Raises:
        SeamlineError: a trimap has no image, or an image is in the test split and in another one.
    """
    trimaps = {file.stem: file for file in tree.images if file.parent.name.lower() in ("trimaps", "trimap")}
    if not trimaps:
        return None
    used = {*trimaps.values()}
    images = {file.stem: file for file in tree.images if file not in used}
    if unpaired := sorted(trimaps.keys() - images.keys()):
        raise SeamlineError(f"{trimaps[unpaired[0]]}: is a trimap without an image of the same name; add the image")
    folders = {file.parent.parent for file in trimaps.values()}
    lists = [file for file in tree.files if file.name in _LISTS and file.parent in folders]
    splits: dict[str, str] = {}
    for file in sorted(lists, key=lambda file: [*_LISTS].index(file.name)):
        names = [line.split()[0] for line in read_text(file).splitlines() if line.strip() and line[0] != "#"]
        split = _LISTS[file.name]
        for name in names:
            if split == "test" and name in splits:
                raise SeamlineError(f"{file}: lists {name}, which is also in {splits[name]}; keep it in one list")
            splits[name] = split
    samples = [tree.sample(images[stem], splits.get(stem, ""), mask=mask) for stem, mask in trimaps.items()]
    return FolderContents(tree.folder, f"images with {_LEGEND.source}", samples, sources=tuple(lists), legend=_LEGEND)
