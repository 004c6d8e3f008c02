"""The same training in several frameworks: same model, batch, optimizer and images, written as each framework suggests.

Each file is a program that does not use Seamline (except `with_seamline.py`).
"""
