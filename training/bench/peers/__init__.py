"""Programs that do the same task by other means, each in an environment of its own."""
