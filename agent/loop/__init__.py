"""A session from its first question to its end, on a thread of its own."""
