"""Sessions that come with the program."""

from pathlib import Path

DEMO = Path(__file__).parent / "demo" / "session"
"""One visit to one room."""
TWO_ROOMS = "two-rooms"
"""The name of a visit to two; it lies beside the other."""
