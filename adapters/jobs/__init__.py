"""A job: its request, its progress, the judging of its result, and the version that may come of it."""
