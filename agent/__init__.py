"""The loop: routing questions, turns, scheduling adaptation, wiring.

May import adapters, memory, models, capture and core; never tui, bench or expert.
"""
