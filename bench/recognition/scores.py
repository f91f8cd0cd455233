"""How well rooms are known again from vectors of views: top-1 and open-set AUROC, intervals over rooms."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.measure.intervals import DRAWS, Interval, bootstrap_mean, drawn_interval
from core.ports import Rows

_FOLDS = 5
"""How often half of the rooms are drawn as the known ones."""


@dataclass(frozen=True)
class Probe:
    """Views [t, d] that are looked at, of the room with this number."""

    room: int
    views: Rows


def likeness(probe: Probe, enrolled: Sequence[Rows]) -> NDArray[np.float64]:
    """To each room's enrolled views: the mean over the probe's of the cosine with the likest, [rooms]."""
    return np.array([float((probe.views @ views.T).max(1).mean()) for views in enrolled])


def top1(probes: Sequence[Probe], enrolled: Sequence[Rows], seed: int) -> Interval:
    """How often the likest of all rooms is the right one."""
    right = [int(np.argmax(likeness(probe, enrolled))) == probe.room for probe in probes]
    return bootstrap_mean(right, [probe.room for probe in probes], seed=seed)


def open_set(probes: Sequence[Probe], enrolled: Sequence[Rows], seed: int) -> Interval:
    """AUROC of "is of a known room" by the likeness to the likest, a random half of the rooms being known.

    The mean over five draws of the half; the interval draws rooms with replacement.
    """
    rng = np.random.default_rng(seed)
    table = np.stack([likeness(probe, enrolled) for probe in probes])
    rooms = np.array([probe.room for probe in probes])
    halves = [rng.permutation(len(enrolled))[: len(enrolled) // 2] for _ in range(_FOLDS)]
    scored = [(table[:, half].max(1), np.isin(rooms, half)) for half in halves]
    value = float(np.mean([auroc(score, known) for score, known in scored]))
    counts = rng.multinomial(len(enrolled), np.full(len(enrolled), 1 / len(enrolled)), size=DRAWS // 10)
    draws = [np.mean([auroc(score, known, weight[rooms]) for score, known in scored]) for weight in counts]
    return drawn_interval(value, draws, len(probes))


def auroc(
    scores: NDArray[np.float64], known: NDArray[np.bool_], weights: NDArray[np.int64] | None = None
) -> float:
    """The chance that a known one scores above an unknown one, ties half; NaN without either.

    `weights` [n] count each score so often.
    """
    counts = np.ones(len(scores)) if weights is None else weights.astype(np.float64)
    above, below = scores[known], scores[~known]
    mass = counts[known].sum() * counts[~known].sum()
    if not mass:
        return float("nan")
    order = np.argsort(below)
    cumulative = np.concatenate([[0.0], np.cumsum(counts[~known][order])])
    less = cumulative[np.searchsorted(below[order], above, "left")]
    at_most = cumulative[np.searchsorted(below[order], above, "right")]
    return float((counts[known] * (less + at_most) / 2).sum() / mass)
