"""Whether a distance is smaller where answers are right: differences, permutation tests, effects.

Questions of one room are not independent, so intervals are over rooms. A permutation test shuffles outcomes
among questions of the same length: what differs because wrong answers go with longer questions is
thereby no finding.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.measure.intervals import DRAWS, Interval, drawn_interval

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
    numbers, mine = np.asarray(values, np.float64), np.asarray(flags, bool)
    if not mine.any() or mine.all():
        raise ValueError("both groups need a question at least")
    first, second = float(numbers[mine].mean()), float(numbers[~mine].mean())
    return Effect(
        first, second, _difference(numbers, mine, rooms, seed), permutation_p(numbers, mine, shuffled),
        cohens_d(numbers[mine], numbers[~mine]),
    )  # fmt: skip


def permutations(flags: ArrayLike, strata: ArrayLike, seed: int, count: int = PERMUTATIONS) -> Flags:
    """Flags [n] shuffled within each stratum of equal labels [n], `count` times: [count, n]."""
    mine, labels = np.asarray(flags, bool), np.asarray(strata)
    rng = np.random.default_rng(seed)
    found = np.tile(mine, (count, 1))
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        found[:, own] = rng.permuted(found[:, own], axis=1)
    return found


def permutation_p(values: Numbers, flags: Flags, shuffled: Flags) -> float:
    """The share of shuffles with a difference of means as large as the one found, itself among them."""
    count = int(flags.sum())
    sums = shuffled @ values
    every = sums / count - (values.sum() - sums) / (len(values) - count)
    found = abs(float(values[flags].mean() - values[~flags].mean()))
    return float((np.sum(np.abs(every) >= found - 1e-12) + 1) / (len(every) + 1))


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
    found = float(values[flags].mean() - values[~flags].mean())
    if len(order) < 2:
        return Interval(found, float("nan"), float("nan"), len(values))
    drawn = np.random.default_rng(seed).multinomial(
        len(order), np.full(len(order), 1 / len(order)), size=DRAWS
    )
    means = []
    for group in (flags, ~flags):
        sums = np.bincount(place[group], weights=values[group], minlength=len(order))
        counts = np.bincount(place[group], minlength=len(order))
        with np.errstate(invalid="ignore", divide="ignore"):
            means.append((drawn @ sums) / (drawn @ counts))
    apart = means[0] - means[1]
    return drawn_interval(found, apart[np.isfinite(apart)], len(values))


def small_draws(
    values: Numbers, flags: Flags, sizes: tuple[int, int], seed: int, draws: int = DRAWS
) -> NDArray[np.int64]:
    """In draws of as few questions as were published, in how many cells the first group's mean is below.

    `values` [cells, n]; `sizes` of the groups with and without a flag, drawn without replacement, or
    as many as there are. Returns [draws].
    """
    rng = np.random.default_rng(seed)
    groups = [np.flatnonzero(flags), np.flatnonzero(~flags)]
    found = np.empty(draws, np.int64)
    for number in range(draws):
        first, second = (
            rng.choice(group, min(size, len(group)), replace=False)
            for group, size in zip(groups, sizes, strict=True)
        )
        found[number] = int((values[:, first].mean(axis=1) < values[:, second].mean(axis=1)).sum())
    return found
