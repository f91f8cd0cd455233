"""How far probabilities can be believed: reliability diagrams and the expected calibration error.

Of all answers that are said to be right with 0.8, 80 % should be. Bins are equally wide, and the error is the
mean over answers of how far a bin's share is from its mean probability (Guo et al. 2017, On calibration of
modern neural networks, section 2).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 10


@dataclass(frozen=True)
class Bin:
    """`n` answers whose probabilities, `said` on average, lie in [low, high); a share `found` of them is
    right."""

    low: float
    high: float
    said: float
    found: float
    n: int


def reliability(probabilities: Sequence[float], right: Sequence[bool], bins: int = BINS) -> list[Bin]:
    """The bins that hold an answer, in order; the last one includes 1.

    Raises ValueError when the lengths differ, for a probability outside [0, 1], and for no bin.
    """
    said, found = _checked(probabilities, right)
    place = bin_of(said, bins)
    inside = [(number, place == number) for number in range(bins)]
    return [
        Bin(
            number / bins,
            (number + 1) / bins,
            float(said[own].mean()),
            float(found[own].mean()),
            int(own.sum()),
        )
        for number, own in inside
        if own.any()
    ]


def expected_calibration_error(
    probabilities: Sequence[float], right: Sequence[bool], bins: int = BINS
) -> float:
    """In [0, 1]; 0 when every bin keeps what it says, and for no answers. Raises as `reliability`."""
    found = reliability(probabilities, right, bins)
    total = sum(one.n for one in found)
    return sum(one.n * abs(one.said - one.found) for one in found) / total if total else 0.0


def bin_of(probabilities: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """The number of each probability's bin, from 0. Raises ValueError for no bin."""
    if bins < 1:
        raise ValueError(f"{bins} bins")
    return np.minimum((probabilities * bins).astype(np.int64), bins - 1)


def _checked(
    probabilities: Sequence[float], right: Sequence[bool]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    said, found = np.asarray(probabilities, np.float64), np.asarray(right, np.float64)
    if said.shape != found.shape or said.ndim != 1:
        raise ValueError(f"{said.shape} probabilities but {found.shape} outcomes")
    if not bool(((said >= 0) & (said <= 1)).all()):
        raise ValueError("a probability is outside [0, 1]")
    return said, found
