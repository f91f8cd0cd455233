"""What is tried against Roomwise for hours, by hand: `scripts/soak --help`."""
