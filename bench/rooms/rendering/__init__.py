"""A room becomes pictures and distances."""
