"""The screen and nothing else: reads events, calls the controller. May import agent and core."""
