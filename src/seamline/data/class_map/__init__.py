"""Class maps: rename, merge and ignore the classes of a dataset."""
