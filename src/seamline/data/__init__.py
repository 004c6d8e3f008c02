"""Where images come from: sources, splits, batches. Imports nothing of the later stages."""
