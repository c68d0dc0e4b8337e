"""What `make train` runs: corpus in, a checked and measured model out."""
