"""All questions of a study as arrays, and the cells that the slide shows."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.measure.intervals import Interval, bootstrap_mean
from bench.studies.vlm.cells import SEEN, WORDS, Measure
from bench.studies.vlm.groups import Effect, effect, permutations
from bench.studies.vlm.rooms import Sample

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
        own = [cell for cell in self.cells if cell.part == part]
        return (
            1 + max((cell.student for cell in own), default=-1),
            1 + max((cell.expert for cell in own), default=-1),
        )

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
