"""Supported layouts of image folders: directories, tables, COCO and LabelMe JSON."""
