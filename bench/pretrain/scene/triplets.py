"""Stage 2: rows of one place come together, those of others keep their distance, in both modalities.

Triplets are semi-hard by pseudo label. Distances are between unit rows, here as in the loss; EdgeVL's code
mines among rows as they come, so that its margin means two different things. Of its ways to choose negatives
only "random", which it ships, is right and is here; "easy" and "hard" take positions in a list for rows.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from adapters.scene.views import Material, draw_pixels
from bench.pretrain.scene.distilling import Terms
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


def mine_triplets(rows: Rows, labels: NDArray[np.int64], rng: np.random.Generator) -> Triplets:
    """Triplets among unit rows [n, d] with labels [n].

    The positive is the nearest of the anchor's label; of the others those with d_p < d_n < d_p + MARGIN come
    in question, and up to NEGATIVES of them are taken by lot. An anchor without either is passed over.
    """
    distances = np.sqrt(np.clip(2 - 2 * rows @ rows.T, 0, None))
    triplets: list[tuple[int, int, int]] = []
    for anchor in range(len(rows)):
        same = labels == labels[anchor]
        same[anchor] = False
        if not same.any():
            continue
        positive = int(np.where(same, distances[anchor], np.inf).argmin())
        near = distances[anchor, positive]
        others = labels != labels[anchor]
        semi_hard = np.flatnonzero(others & (distances[anchor] > near) & (distances[anchor] < near + MARGIN))
        triplets += [(anchor, positive, int(negative)) for negative in rng.permutation(semi_hard)[:NEGATIVES]]
    columns = np.array(triplets, np.int64).reshape(-1, 3)
    return Triplets(columns[:, 0], columns[:, 1], columns[:, 2])


def triplet_loss(anchors: torch.Tensor, positives: torch.Tensor, negatives: torch.Tensor) -> torch.Tensor:
    """Mean of max(0, |a - p| - |a - n| + MARGIN) over unit rows [t, d] (EdgeVL, section 3.4)."""
    # The gradient of a root at 0 is infinite: two rows may be the same.
    to_positive = (anchors - positives).square().sum(1).clamp_min(1e-8).sqrt()
    to_negative = (anchors - negatives).square().sum(1).clamp_min(1e-8).sqrt()
    return functional.relu(to_positive - to_negative + MARGIN).mean()


@dataclass(frozen=True)
class Contrasting:
    """The loss of one step: triplets mined in a pool of frames, learnt in colour and in depth alike.

    EdgeVL embeds all frames once an epoch; here a fresh pool is embedded at every step. The triplets'
    distances fix no direction: `anchor` times `Terms()` keeps rows where the class names are. EdgeVL's code
    has a switch for that which does nothing, and a tiny rate. `half` as in `StageLoss`.
    """

    student: nn.Module
    side: int
    material: Material
    batch: int
    names: Rows
    anchor: float
    half: bool = False

    def __call__(self, rng: np.random.Generator) -> torch.Tensor | None:
        """Its value with a gradient, None where no triplet was found."""
        rows = rng.choice(len(self.material), min(self.batch, len(self.material)), replace=False)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.half):
            output = self.student(draw_pixels(self.material, rows, self.side, rng))
        output = output.float()
        colour, depth = output[: len(rows)], output[len(rows) :]
        triplets = mine_triplets(colour.detach().numpy(), self.material.labels[rows], rng)
        if not len(triplets) and not self.anchor:
            return None
        loss = torch.zeros(())
        if self.anchor:
            target = torch.from_numpy(self.material.rows[rows]).repeat(2, 1)
            loss = loss + self.anchor * Terms().loss(output, target, torch.from_numpy(self.names))
        for view in (colour, depth) if len(triplets) else ():
            loss = loss + triplet_loss(
                view[triplets.anchors], view[triplets.positives], view[triplets.negatives]
            )
        return loss


SCALE = 100.0
"""Of the likeness before the softmax, as CLIP was trained; EdgeVL's code has it, its poster leaves it out."""


@dataclass(frozen=True)
class PseudoLabels:
    """What a teacher takes each frame for: labels int64 [n], and how sure it is, float32 [n] in [0, 1]."""

    labels: NDArray[np.int64]
    confidence: NDArray[np.float32]


def pseudo_label(images: Rows, names: Rows) -> PseudoLabels:
    """Rows of n frames against rows of the generic class names."""
    logits = SCALE * (images @ names.T)
    probabilities = np.exp(logits - logits.max(1, keepdims=True))
    probabilities /= probabilities.sum(1, keepdims=True)
    return PseudoLabels(probabilities.argmax(1).astype(np.int64), probabilities.max(1).astype(np.float32))


def select_confident(labels: PseudoLabels, share: float, per_class: bool = False) -> NDArray[np.int64]:
    """Rows of the top `share` in (0, 1] by confidence, in their own order, at least one.

    With `per_class` it is that share of every label's frames: a share of all leaves out whole kinds of places
    that the teacher is never quite sure of.
    """
    if not 0 < share <= 1:
        raise ValueError(f"a share of frames lies in (0, 1], {share} does not")
    if not per_class:
        return _top(np.arange(len(labels.labels)), labels.confidence, share)
    groups = [
        _top(np.flatnonzero(labels.labels == label), labels.confidence, share)
        for label in np.unique(labels.labels)
    ]
    return np.sort(np.concatenate(groups))


def _top(rows: NDArray[np.int64], confidence: NDArray[np.float32], share: float) -> NDArray[np.int64]:
    count = max(1, round(share * len(rows)))
    order = np.argsort(-confidence[rows], kind="stable")
    return np.sort(rows[order[:count]])
