"""`roomwise bench expert`: how many devices one expert serves."""
