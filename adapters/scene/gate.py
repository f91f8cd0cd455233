"""Decide whether an adapted encoder replaces the current one. Pure: likenesses in, verdict out."""

import math
from dataclasses import dataclass

from adapters.jobs.gate import Verdict

_LEAST_GAIN = 0.002
"""Gain in mean cosine on held-out depth; less is chance with so few pairs."""
_MOST_LOST = 0.02
"""Loss in mean cosine on held-out pictures that is accepted, or"""
_PRICE = 0.25
"""this share of what depth gains, if that is more."""


@dataclass(frozen=True)
class Likeness:
    """Mean cosine between an encoder's rows of held-out frames and the rows they should have, in [-1, 1]."""

    rgb: float
    depth: float
    n: int


def decide_scene(candidate: Likeness, current: Likeness) -> Verdict:
    """Compare both on the same held-out pairs."""
    if not all(math.isfinite(value) for value in (candidate.rgb, candidate.depth)):
        return Verdict(False, "Its numbers are not finite.")
    gain = candidate.depth - current.depth
    if current.rgb - candidate.rgb > max(_MOST_LOST, _PRICE * gain):
        return Verdict(
            False,
            f"Pictures move from where they belong: likeness {candidate.rgb:.3f}, {current.rgb:.3f} before.",
        )
    if gain < _LEAST_GAIN:
        return Verdict(
            False,
            f"It did not learn the camera: depth {candidate.depth:.3f} alike, {current.depth:.3f} before.",
        )
    return Verdict(
        True,
        f"Depth is more like its pictures: {candidate.depth:.3f}, {current.depth:.3f} before; "
        f"{candidate.n} pairs held out.",
    )
