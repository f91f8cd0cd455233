"""What the machine tells: memory, heat, power, and what a session takes of it."""
