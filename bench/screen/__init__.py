"""`roomwise bench dashboard`: what the dashboard costs, and how soon it answers a key."""
