"""A server that puts the expert on another machine. May import adapters, models and core; never agent."""
