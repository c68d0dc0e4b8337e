"""Pages that a training run writes for people: one HTML file each, with nothing to fetch."""
