"""All questions of a study as arrays: whether a distance is smaller where answers are right.

Questions of one room are not independent, so intervals are over rooms. A permutation test shuffles outcomes
among questions of the same length, since wrong answers go with longer questions.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.measure.intervals import DRAWS, Interval, bootstrap_mean, draw_groups, drawn_interval, exactly
from bench.studies.vlm.cells import SEEN, WORDS, Measure
from bench.studies.vlm.rooms import Sample

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


Grouping = Literal["right", "same"]
"""Whether the student's answer is true; whether it is the expert's."""
AROUND = 2
"""Of the expert's layers the slide shows its middle one, and so many to either side."""


class LayerFindings:
    """n questions; a cell may lack those that have too few words to compare."""

    def __init__(self, samples: Sequence[Sample], seed: int) -> None:
        self.seed = seed
        self.rooms = np.array([sample.room for sample in samples])
        self.lengths = np.array([sample.length for sample in samples])
        self.flags: Mapping[Grouping, NDArray[np.bool_]] = {
            "right": np.array([sample.right for sample in samples]),
            "same": np.array([sample.same for sample in samples]),
        }
        self.cells = list(dict.fromkeys(cell for sample in samples for cell in sample.cells))
        self._values = {
            cell: np.array([sample.cells.get(cell, np.nan) for sample in samples]) for cell in self.cells
        }

    def mean(self, cell: Measure) -> Interval:
        """Over all questions."""
        values, present = self._values_of(cell)
        return bootstrap_mean(values, self.rooms[present].tolist(), seed=self.seed)

    def effect(self, cell: Measure, grouping: Grouping) -> Effect | None:
        """Of the grouping's flag; None where all questions are of one group."""
        values, present = self._values_of(cell)
        flags = self.flags[grouping][present]
        if not flags.any() or flags.all():
            return None
        shuffled = self._shuffled[grouping][:, present]
        return effect(values, flags, self.rooms[present].tolist(), shuffled, self.seed)

    def layers(self, part: str) -> tuple[int, int]:
        """How many the student and the expert have there."""
        numbers = [(cell.student + 1, cell.expert + 1) for cell in self.cells if cell.part == part]
        ours, theirs = zip(*numbers, strict=True) if numbers else ([0], [0])
        return max(ours), max(theirs)

    def around_middle(self, part: str, distance: str) -> dict[int, Measure]:
        """By how far from the expert's middle layer: the cells with the student's, those that there are.

        The middle of L layers is the one numbered L // 2, from 0.
        """
        ours, theirs = self.layers(part)
        cells = {
            offset: Measure(part, ours // 2, theirs // 2 + offset, distance)
            for offset in range(-AROUND, AROUND + 1)
        }
        return {offset: cell for offset, cell in cells.items() if cell in self._values}

    def as_published(self, distance: str) -> list[Measure]:
        """The slide's cells: both encoders, around the middle."""
        return [cell for part in (SEEN, WORDS) for cell in self.around_middle(part, distance).values()]

    def values(self, cells: Sequence[Measure]) -> NDArray[np.float64]:
        """[cells, n], of a question that a cell lacks the cell's mean."""
        rows = [self._values[cell] for cell in cells]
        return np.stack([np.where(np.isfinite(row), row, np.nanmean(row)) for row in rows])

    def _values_of(self, cell: Measure) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        values = self._values[cell]
        present = np.isfinite(values)
        return values[present], present

    @cached_property
    def _shuffled(self) -> dict[Grouping, NDArray[np.bool_]]:
        return {name: permutations(flags, self.lengths, self.seed) for name, flags in self.flags.items()}
