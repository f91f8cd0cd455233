"""Stage 2, which frames belong together: semi-hard triplets by pseudo label, told from the student's rows.

Distances are between unit rows, here as in the loss: EdgeVL's code mines among rows as they come and compares
unit ones, so that its margin means two different things. Its negatives "easy" and "hard" are positions in a
list of negatives taken for rows of the data; only "random", which it ships, is right and is here.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.ports import Rows

MARGIN = 0.3
NEGATIVES = 3


@dataclass(frozen=True)
class Triplets:
    """Rows of anchors, positives and negatives, int64 [t] each."""

    anchors: NDArray[np.int64]
    positives: NDArray[np.int64]
    negatives: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.anchors)


def mined(
    rows: Rows,
    labels: NDArray[np.int64],
    rng: np.random.Generator,
    margin: float = MARGIN,
    most: int = NEGATIVES,
) -> Triplets:
    """Triplets among unit rows [n, d] with labels [n].

    The positive is the nearest of the anchor's label; of the others those with d_p < d_n < d_p + margin come
    in question, and up to `most` of them are taken by lot. An anchor without either is passed over.
    """
    distances = np.sqrt(np.clip(2 - 2 * rows @ rows.T, 0, None))
    found: list[tuple[int, int, int]] = []
    for anchor in range(len(rows)):
        same = labels == labels[anchor]
        same[anchor] = False
        if not same.any():
            continue
        positive = int(np.where(same, distances[anchor], np.inf).argmin())
        near = distances[anchor, positive]
        others = labels != labels[anchor]
        semi_hard = np.flatnonzero(others & (distances[anchor] > near) & (distances[anchor] < near + margin))
        found += [(anchor, positive, int(one)) for one in rng.permutation(semi_hard)[:most]]
    columns = np.array(found, np.int64).reshape(-1, 3)
    return Triplets(columns[:, 0], columns[:, 1], columns[:, 2])
