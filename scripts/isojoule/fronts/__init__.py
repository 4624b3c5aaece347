"""Find all fronts of a study: every cost against every quality, on every GPU."""
