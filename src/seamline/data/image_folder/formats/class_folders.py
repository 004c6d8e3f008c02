"""Images in folders named by class, optionally inside folders named by split."""

from seamline.data.image_folder.file_tree import FileTree
from seamline.data.image_folder.folder_names import split_of_name
from seamline.data.image_folder.records import FolderContents, Sample
from seamline.errors import SeamlineError


def parse(tree: FileTree) -> FolderContents | None:
    """Read class folders; None where there are fewer than two.

    Raises:
        SeamlineError: some images are in folders of splits and others are not.
    """
    samples = []
    for file in tree.images:
        name = file.relative_to(tree.folder)
        parts = name.parts[:-1]
        split = split_of_name(parts[0]) if parts else ""
        parts = parts[1:] if split else parts
        if parts:
            samples.append(Sample(file, name.as_posix(), split, label=parts[0]))
    if len({sample.label for sample in samples}) < 2:
        return None
    unsplit = [sample for sample in samples if not sample.split]
    if 0 < len(unsplit) < len(samples):
        raise SeamlineError(
            f"{tree.folder}: some images are in folders of splits and {len(unsplit):,} are not, such as "
            f"{unsplit[0].name}; put all of them into train, val or test, or none"
        )
    return FolderContents(tree.folder, "class folders", samples)
