"""The same training as others write it: same network, batch, optimiser and images, in each tool's own manner.

Each file is a program. It knows nothing of Seamline (but `ours.py`), so that it can be read as an example of its tool.
"""
