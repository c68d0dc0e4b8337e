"""One revision a file, in one line: a new one names the latest as its `down_revision`."""
