"""A user's own images: a folder or a table -> a Dataset.

The layout is detected from the files: images in folders named by class, images beside masks, a table of files and
labels, or polygons in COCO or LabelMe JSON. Classes are matched by name, never by order.
"""

from seamline.data.image_folder.detect_format import detect_format
from seamline.data.image_folder.load import load_contents, load_folder

__all__ = ["detect_format", "load_contents", "load_folder"]
