"""Run folder -> one self-contained HTML page, which opens from disk."""
