"""Fisher's discriminants: directions in which views of one room are alike and those of others are not."""

import numpy as np
from numpy.typing import NDArray

from models.scene.places import Projection

_SHRINK = 0.1
"""How far the spread within rooms is moved towards the identity (Friedman 1989): rooms have few views."""
_FLOOR = 1e-3


def discriminants(features: NDArray[np.float32], rooms: NDArray[np.int64], width: int) -> Projection:
    """The projection of features [n, f] to `width` numbers, from views whose rooms [n] are 0, 1, ...

    Features are standardised; the within-room covariance S_w, shrunk, is whitened, and the leading
    eigenvectors of the total covariance in that space are taken. Rooms of one view do not count.
    """
    counts = np.bincount(rooms)
    several = counts[rooms] > 1
    mean, scale = features[several].mean(0), features[several].std(0) + _FLOOR
    rows = ((features[several] - mean) / scale).astype(np.float64)
    labels = np.unique(rooms[several], return_inverse=True)[1]
    centres = np.zeros((labels.max() + 1, rows.shape[1]))
    np.add.at(centres, labels, rows)
    centres /= np.bincount(labels)[:, None]
    inside = rows - centres[labels]
    within = inside.T @ inside / max(1, len(rows) - len(centres))
    within = (1 - _SHRINK) * within + _SHRINK * np.eye(len(within)) * np.trace(within) / len(within)
    values, vectors = np.linalg.eigh(within)
    white = vectors / np.sqrt(values)
    total = (rows @ white).T @ (rows @ white) / len(rows)
    leading = np.linalg.eigh(total)[1][:, ::-1][:, :width]
    return Projection(mean.astype("f4"), scale.astype("f4"), (white @ leading).astype("f4"))
