"""Right or wrong: every method on every view, colour and depth, seed by seed; intervals over rooms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.measure.intervals import Interval, bootstrap_mean
from bench.measure.report import Row, measured

Modality = Literal["depth", "rgb", "mean"]
MODALITIES: tuple[Modality, ...] = ("depth", "rgb", "mean")


@dataclass(frozen=True)
class PlaceScores:
    """For each method float [seeds, 2, views]: whether depth (0) and colour (1) gave the right class."""

    rooms: Sequence[str]
    right: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    def values(self, method: str, modality: Modality) -> NDArray[np.float64]:
        """Right or wrong of each view, mean over seeds: [views]."""
        right = self.right[method].mean(0)
        values: NDArray[np.float64] = right.mean(0) if modality == "mean" else right[int(modality == "rgb")]
        return values

    def interval(self, method: str, modality: Modality) -> Interval:
        """Accuracy with its interval over rooms."""
        return bootstrap_mean(self.values(method, modality), self.rooms)

    def difference(
        self, first: str, second: str, modality: Modality, other: Modality | None = None
    ) -> Interval:
        """How much more often the first is right on the same views."""
        return bootstrap_mean(
            self.values(first, modality) - self.values(second, other or modality), self.rooms
        )

    def spread(self, method: str, modality: Modality) -> float:
        """Standard deviation of the accuracy from seed to seed; NaN with one."""
        right = self.right[method].mean(2)
        by_seed = right.mean(1) if modality == "mean" else right[:, int(modality == "rgb")]
        return float(by_seed.std(ddof=1)) if len(by_seed) > 1 else float("nan")

    def rows(self) -> list[Row]:
        """A row a method and modality."""
        return [
            measured(self.interval(method, modality), metric="accuracy", method=method, modality=modality)
            | {"seeds": len(self.right[method]), "between_seeds": self.spread(method, modality)}
            for method in self.right
            for modality in MODALITIES
        ]
