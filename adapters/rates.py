"""How fast to learn, step by step."""

import math

_WARM_UP = 5


def warmed_cosine(step: int, steps: int) -> float:
    """Share of the full rate in step `step` of `steps`, from 0: up over a few, then down a half cosine."""
    return min(1.0, (step + 1) / _WARM_UP) * 0.5 * (1 + math.cos(math.pi * step / steps))
