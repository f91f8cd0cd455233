"""Models as files: what there is, fetching it, trying it, choosing it."""
