"""The course study on top of the library."""
