"""Supported layouts of image folders: a module each, and a row in `detect_format.FORMATS`."""
