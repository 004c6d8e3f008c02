"""Parsers of the layouts and annotation files that a user's folder may hold."""
