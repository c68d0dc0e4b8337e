"""What comes in and goes out as files: readers and writers, one module a format."""
