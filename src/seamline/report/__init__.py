"""What a person sees: a function of the run folder alone."""
