"""What a segmenter is worth: all that differs where the labels are masks."""
