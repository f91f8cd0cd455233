"""A session on disk: written, read, and what its events amount to."""
