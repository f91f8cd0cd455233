"""Which room this is: views against those of known rooms, a decision, and what follows from it."""
