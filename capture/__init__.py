"""Cameras and microphones, and recordings that stand in for them. May import core."""
