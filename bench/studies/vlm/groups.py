"""Whether a distance is smaller where answers are right: differences, permutation tests, effects.

Questions of one room are not independent, so intervals are over rooms. A permutation test shuffles outcomes
among questions of the same length: what differs because wrong answers go with longer questions is
thereby no finding.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.measure.intervals import DRAWS, Interval, draw_groups, drawn_interval, exactly

PERMUTATIONS = 10_000
Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Effect:
    """`first` and `second`, the means of two groups; `difference` first less second, with its interval over
    rooms; `p` of the two-sided permutation test; `d`, Cohen's effect size.
    """

    first: float
    second: float
    difference: Interval
    p: float
    d: float


def effect(
    values: ArrayLike, flags: ArrayLike, rooms: Sequence[Hashable], shuffled: Flags, seed: int
) -> Effect:
    """Of n values, those with a flag against those without; `shuffled` [P, n] are permutations of the flags.

    Raises ValueError when a group is empty.
    """
    numbers, members = np.asarray(values, np.float64), np.asarray(flags, bool)
    if not members.any() or members.all():
        raise ValueError("both groups need a question at least")
    first, second = float(numbers[members].mean()), float(numbers[~members].mean())
    return Effect(
        first, second, _difference(numbers, members, rooms, seed), permutation_p(numbers, members, shuffled),
        cohens_d(numbers[members], numbers[~members]),
    )  # fmt: skip


def permutations(flags: ArrayLike, strata: ArrayLike, seed: int, count: int = PERMUTATIONS) -> Flags:
    """Flags [n] shuffled within each stratum of equal labels [n], `count` times: [count, n]."""
    members, labels = np.asarray(flags, bool), np.asarray(strata)
    rng = np.random.default_rng(seed)
    shuffled = np.tile(members, (count, 1))
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        shuffled[:, members] = rng.permuted(shuffled[:, members], axis=1)
    return shuffled


def permutation_p(values: Numbers, flags: Flags, shuffled: Flags) -> float:
    """The share of shuffles with a difference of means as large as the one found, itself among them."""
    count = int(flags.sum())
    sums = shuffled @ values
    differences = sums / count - (values.sum() - sums) / (len(values) - count)
    observed = abs(float(values[flags].mean() - values[~flags].mean()))
    return float((np.sum(np.abs(differences) >= observed - 1e-12) + 1) / (len(differences) + 1))


def cohens_d(first: Numbers, second: Numbers) -> float:
    """Difference of means in standard deviations of both groups together; 0 where nothing varies."""
    if len(first) + len(second) < 3:
        return 0.0
    squares = ((first - first.mean()) ** 2).sum() + ((second - second.mean()) ** 2).sum()
    spread = float(np.sqrt(squares / (len(first) + len(second) - 2)))
    return float(first.mean() - second.mean()) / spread if spread > 0 else 0.0


def _difference(values: Numbers, flags: Flags, rooms: Sequence[Hashable], seed: int) -> Interval:
    order = {room: place for place, room in enumerate(dict.fromkeys(rooms))}
    place = np.array([order[room] for room in rooms])
    observed = float(values[flags].mean() - values[~flags].mean())
    if len(order) < 2:
        return exactly(observed, len(values))
    draws = draw_groups(len(order), seed)
    means = []
    for group in (flags, ~flags):
        sums = np.bincount(place[group], weights=values[group], minlength=len(order))
        counts = np.bincount(place[group], minlength=len(order))
        with np.errstate(invalid="ignore", divide="ignore"):
            means.append((draws @ sums) / (draws @ counts))
    differences = means[0] - means[1]
    return drawn_interval(observed, differences[np.isfinite(differences)], len(values))


def small_draws(
    values: Numbers, flags: Flags, sizes: tuple[int, int], seed: int, draws: int = DRAWS
) -> NDArray[np.int64]:
    """In draws of as few questions as were published, in how many cells the first group's mean is below.

    `values` [cells, n]; `sizes` of the groups with and without a flag, drawn without replacement, or
    as many as there are. Returns [draws].
    """
    rng = np.random.default_rng(seed)
    groups = [np.flatnonzero(flags), np.flatnonzero(~flags)]
    counts = np.empty(draws, np.int64)
    for number in range(draws):
        first, second = (
            rng.choice(group, min(size, len(group)), replace=False)
            for group, size in zip(groups, sizes, strict=True)
        )
        counts[number] = int((values[:, first].mean(axis=1) < values[:, second].mean(axis=1)).sum())
    return counts
