"""What both trainings share: rooms rendered to disk, data, names, checkpoints."""
