"""Which frames are worth learning from: those of which the teacher is surest (EdgeVL, section 3.2)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.ports import Rows

SCALE = 100.0
"""Of the likeness before the softmax, as CLIP was trained; EdgeVL's code has it, its poster leaves it out."""


@dataclass(frozen=True)
class Judged:
    """What a teacher takes each frame for: labels int64 [n], and how sure it is, float32 [n] in [0, 1]."""

    labels: NDArray[np.int64]
    confidence: NDArray[np.float32]


def judged(images: Rows, names: Rows) -> Judged:
    """Rows of n frames against rows of the generic class names."""
    logits = SCALE * (images @ names.T)
    likely = np.exp(logits - logits.max(1, keepdims=True))
    likely /= likely.sum(1, keepdims=True)
    return Judged(likely.argmax(1).astype(np.int64), likely.max(1).astype(np.float32))


def curated(found: Judged, share: float, per_class: bool = False) -> NDArray[np.int64]:
    """Rows of the top `share` in (0, 1] by confidence, in their own order, at least one.

    With `per_class` it is that share of every label's frames: a share of all leaves out whole kinds of places
    that the teacher is never quite sure of.
    """
    if not 0 < share <= 1:
        raise ValueError(f"a share of frames lies in (0, 1], {share} does not")
    if not per_class:
        return _top(np.arange(len(found.labels)), found.confidence, share)
    kept = [
        _top(np.flatnonzero(found.labels == label), found.confidence, share)
        for label in np.unique(found.labels)
    ]
    return np.sort(np.concatenate(kept))


def _top(rows: NDArray[np.int64], confidence: NDArray[np.float32], share: float) -> NDArray[np.int64]:
    count = max(1, round(share * len(rows)))
    order = np.argsort(-confidence[rows], kind="stable")
    return np.sort(rows[order[:count]])
