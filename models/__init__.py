"""Networks that both answering and training need, and the built-in weights. May import core."""
