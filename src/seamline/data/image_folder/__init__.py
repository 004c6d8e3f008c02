"""A user's own images: a folder or a table -> a Dataset.

What a folder holds is seen from its files: images in folders named by their class, images beside masks, a table of
files and labels, or polygons in COCO's or LabelMe's JSON. Classes are matched by name, never by place.
"""

from seamline.data.image_folder.detect_format import see
from seamline.data.image_folder.load import classes_in, load_folder, load_found

__all__ = ["classes_in", "load_folder", "load_found", "see"]
