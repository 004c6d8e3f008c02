"""The Python API: each function reads as its story. `seamline` imports the names on first use."""
