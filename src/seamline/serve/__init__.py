"""A trained model as a web page and an HTTP API on this machine. Nothing that is sent to it is stored."""
