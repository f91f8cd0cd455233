"""The built-in pair by itself: accuracy on rooms it never saw, seconds of answers and of an adaptation."""
