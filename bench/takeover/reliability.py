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
    predicted: float
    observed: float
    n: int


def reliability(probabilities: Sequence[float], right: Sequence[bool], bins: int = BINS) -> list[Bin]:
    """The bins that hold an answer, in order; the last one includes 1.

    Raises ValueError when the lengths differ, for a probability outside [0, 1], and for no bin.
    """
    predictions, outcomes = _check(probabilities, right)
    place = bin_of(predictions, bins)
    inside = [(number, place == number) for number in range(bins)]
    return [
        Bin(
            number / bins,
            (number + 1) / bins,
            float(predictions[members].mean()),
            float(outcomes[members].mean()),
            int(members.sum()),
        )
        for number, members in inside
        if members.any()
    ]


def expected_calibration_error(
    probabilities: Sequence[float], right: Sequence[bool], bins: int = BINS
) -> float:
    """In [0, 1]; 0 when every bin keeps what it says, and for no answers. Raises as `reliability`."""
    bins_ = reliability(probabilities, right, bins)
    total = sum(bin_.n for bin_ in bins_)
    return sum(bin_.n * abs(bin_.predicted - bin_.observed) for bin_ in bins_) / total if total else 0.0


def bin_of(probabilities: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """The number of each probability's bin, from 0. Raises ValueError for no bin."""
    if bins < 1:
        raise ValueError(f"{bins} bins")
    return np.minimum((probabilities * bins).astype(np.int64), bins - 1)


def _check(
    probabilities: Sequence[float], right: Sequence[bool]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    predictions, outcomes = np.asarray(probabilities, np.float64), np.asarray(right, np.float64)
    if predictions.shape != outcomes.shape or predictions.ndim != 1:
        raise ValueError(f"{predictions.shape} probabilities but {outcomes.shape} outcomes")
    if not bool(((predictions >= 0) & (predictions <= 1)).all()):
        raise ValueError("a probability is outside [0, 1]")
    return predictions, outcomes
