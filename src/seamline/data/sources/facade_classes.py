"""The five classes that every set of facades here has, as the course study has them."""

CLASSES = ("other", "facade", "pillar", "window", "balcony")
"""Class names; a mask's value i means `CLASSES[i]`."""

COLOURS = ((0, 0, 0), (0, 128, 255), (128, 255, 128), (255, 128, 0), (255, 0, 0))
"""Red, green and blue of each class: the study's black, blue, green, orange and red, as the masks' palettes have it."""
