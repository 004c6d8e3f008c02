"""Measures of buildings from photos: fronts, windows, storeys and window-to-wall ratios.

Pure functions on arrays, with OpenCV for the geometry. `Measurer` puts them together with a model.
"""
