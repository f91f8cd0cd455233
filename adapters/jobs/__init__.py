"""A job: what is asked of a worker, what it says, how it is judged, and the version that may come of it."""
