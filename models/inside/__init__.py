"""Attention inside a network while it answers.

attention  maps from the words of an answer or a question to the picture, and rollouts through all layers
towers     the vision tower's own maps, recomputed where the library returns none
"""
