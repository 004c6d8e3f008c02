"""One file for each kind of source; each returns a `Dataset`."""
