"""Where a model looks: maps over a frame, as a picture, in a terminal, in a report."""
