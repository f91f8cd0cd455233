"""Published ways to distil from a few answers in a room, side by side: `study sf` and `study align-kd`."""
