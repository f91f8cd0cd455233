"""What a screen sees of a session and can want of it, and events as lines for people."""
