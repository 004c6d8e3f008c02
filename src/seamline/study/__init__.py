"""The course study on top of the library: `reproduce` and its findings.

Its models are `cnn` and `facadenet`, its configurations the presets `original`.
"""
