"""What a network is worth: figures, intervals, insides, findings."""
