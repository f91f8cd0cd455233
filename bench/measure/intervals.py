"""95 % intervals by bootstrap over groups.

Questions about one room are not independent, so whole groups (rooms) are drawn with replacement, as
in the cluster bootstrap (Field and Welsh 2007). Comparisons are paired: the same draw for both.
"""

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

DRAWS = 2000
LEVEL = 0.95


class Interval(NamedTuple):
    """A mean with the bounds of its interval, and how many values it is over.

    The bounds are NaN when there is only one group: one room says nothing about the next.
    """

    mean: float
    low: float
    high: float
    n: int

    def __format__(self, spec: str) -> str:
        """The mean, and in brackets the bounds where there are any."""
        bounds = f" [{self.low:{spec}}, {self.high:{spec}}]" if np.isfinite(self.low) else ""
        return f"{self.mean:{spec}}{bounds}"


def bootstrap_mean(values: ArrayLike, groups: Sequence[Hashable] | None = None, *, seed: int = 0) -> Interval:
    """The mean of `values` [n], float or bool, with an interval over `groups` (n labels; None: each alone).

    The same seed gives the same interval. Raises ValueError when there are no values or the lengths differ.
    """
    numbers = np.asarray(values, dtype=np.float64)
    sums, counts = _by_group(numbers, groups)
    mean = float(numbers.mean())
    if len(sums) < 2:
        return exactly(mean, len(numbers))
    counts_drawn = draw_groups(len(sums), seed)
    means = (counts_drawn @ sums) / (counts_drawn @ counts)
    return drawn_interval(mean, means, len(numbers))


def exactly(value: float, n: int = 1) -> Interval:
    """A value without bounds."""
    return Interval(float(value), float("nan"), float("nan"), n)


def drawn_interval(value: float, draws: ArrayLike, n: int) -> Interval:
    """A value over `n` others, with the interval that holds the middle of its bootstrap draws."""
    low, high = np.quantile(np.asarray(draws, dtype=np.float64), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(value), float(low), float(high), n)


def paired_difference(
    first: ArrayLike, second: ArrayLike, groups: Sequence[Hashable] | None = None, *, seed: int = 0
) -> Interval:
    """The mean of `first - second` [n] on the same questions, with its interval over groups."""
    left, right = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if left.shape != right.shape:
        raise ValueError(f"pairs are needed, not {left.shape} and {right.shape} values")
    return bootstrap_mean(left - right, groups, seed=seed)


def bootstrap_ratio(
    above: ArrayLike, below: ArrayLike, groups: Sequence[Hashable] | None = None, *, seed: int = 0
) -> Interval:
    """The mean of `above` [n] over the mean of `below` [n], with an interval from the same draws of both.

    NaN where there is nothing below: a mean of 0, or with some draws of the groups one that is not positive.
    Raises ValueError when there are no values or the lengths differ.
    """
    top, bottom = np.asarray(above, dtype=np.float64), np.asarray(below, dtype=np.float64)
    if top.shape != bottom.shape:
        raise ValueError(f"pairs are needed, not {top.shape} and {bottom.shape} values")
    tops, _ = _by_group(top, groups)
    bottoms, _ = _by_group(bottom, groups)
    value = float(tops.sum() / bottoms.sum()) if bottoms.sum() else float("nan")
    counts_drawn = draw_groups(len(tops), seed)
    beneath = counts_drawn @ bottoms
    if len(tops) < 2 or not (beneath > 0).all():
        return exactly(value, len(top))
    return drawn_interval(value, (counts_drawn @ tops) / beneath, len(top))


def bootstrap_percentile(values: ArrayLike, percentile: float, *, seed: int = 0) -> Interval:
    """A percentile of `values` [n], each drawn by itself; NaN without any."""
    numbers = np.asarray(values, dtype=np.float64)
    if not len(numbers):
        return exactly(float("nan"), 0)
    counts_drawn = np.random.default_rng(seed).integers(0, len(numbers), (DRAWS, len(numbers)))
    value = float(np.percentile(numbers, percentile))
    return drawn_interval(value, np.percentile(numbers[counts_drawn], percentile, axis=1), len(numbers))


def ratio_of_medians(above: NDArray[np.float64], below: NDArray[np.float64], *, seed: int = 0) -> Interval:
    """The median of `above` [n] over that of `below` [n], pairs drawn together: what hit both cancels."""
    counts_drawn = np.random.default_rng(seed).integers(0, len(above), (DRAWS, len(above)))
    ratios = np.median(above[counts_drawn], axis=1) / np.median(below[counts_drawn], axis=1)
    return drawn_interval(float(np.median(above) / np.median(below)), ratios, len(above))


def draw_groups(groups: int, seed: int) -> NDArray[np.int64]:
    """How often each group comes up in each draw: [draws, groups]."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(groups, np.full(groups, 1.0 / groups), size=DRAWS)


def _by_group(
    numbers: NDArray[np.float64], groups: Sequence[Hashable] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum and count of each group, in order of first appearance."""
    if numbers.ndim != 1 or not len(numbers):
        raise ValueError(f"a list of values is needed, not shape {numbers.shape}")
    if groups is None:
        return numbers, np.ones_like(numbers)
    if len(groups) != len(numbers):
        raise ValueError(f"{len(numbers)} values but {len(groups)} group labels")
    order = {label: position for position, label in enumerate(dict.fromkeys(groups))}
    index = np.array([order[label] for label in groups])
    sums, counts = np.bincount(index, weights=numbers), np.bincount(index)
    return sums.astype(np.float64), counts.astype(np.float64)
