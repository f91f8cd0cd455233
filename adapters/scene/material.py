"""What a scene student learns from: paired frames, and the teacher's row of each picture."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.ports import Rows


@dataclass(frozen=True)
class Material:
    """Frames uint8 [n, S, S, 3] and their aligned depth uint16 [n, S, S] in millimetres.

    `rows` float32 [n, d] are the teacher's, of the pictures alone; `labels` int64 [n] its pseudo labels.
    """

    frames: NDArray[np.uint8]
    depth: NDArray[np.uint16]
    rows: Rows
    labels: NDArray[np.int64]

    def __post_init__(self) -> None:
        if len({len(self.frames), len(self.depth), len(self.rows), len(self.labels)}) != 1:
            raise ValueError("frames, depth, rows and labels differ in number")

    def __len__(self) -> int:
        return len(self.frames)

    def take(self, chosen: NDArray[np.int64]) -> "Material":
        """The chosen rows."""
        return Material(self.frames[chosen], self.depth[chosen], self.rows[chosen], self.labels[chosen])
