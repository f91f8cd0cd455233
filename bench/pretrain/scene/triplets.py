"""Stage 2: rows of one place come together, those of others keep their distance, in both modalities."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from adapters.scene.distilling import Terms
from adapters.scene.material import Material
from adapters.scene.views import shown
from bench.pretrain.scene.mining import MARGIN, NEGATIVES, mined
from core.ports import Rows


def triplet_loss(
    anchors: torch.Tensor, positives: torch.Tensor, negatives: torch.Tensor, margin: float = MARGIN
) -> torch.Tensor:
    """Mean of max(0, |a - p| - |a - n| + margin) over unit rows [t, d] (EdgeVL, section 3.4)."""
    # The gradient of a root at 0 is infinite: two rows may be the same.
    to_positive = (anchors - positives).square().sum(1).clamp_min(1e-8).sqrt()
    to_negative = (anchors - negatives).square().sum(1).clamp_min(1e-8).sqrt()
    return functional.relu(to_positive - to_negative + margin).mean()


class Contrasting:
    """The loss of one step: triplets mined in a pool of frames, learnt in colour and in depth alike.

    EdgeVL embeds all frames once an epoch; here a fresh pool is embedded at every step, with the weights of
    that step. The triplets' distances fix no direction: `anchor` times `Terms()` keeps rows where the class
    names are. EdgeVL's code has a switch for that which does nothing, and a rate so small that rows
    hardly move. `half` as in `Distilling`.
    """

    def __init__(
        self,
        student: nn.Module,
        side: int,
        material: Material,
        batch: int,
        names: Rows,
        anchor: float,
        margin: float = MARGIN,
        half: bool = False,
    ) -> None:
        self._student, self._side, self._material = student, side, material
        self._batch, self._anchor, self._margin = min(batch, len(material)), anchor, margin
        self._half = half
        self._names = torch.from_numpy(names)

    def __call__(self, rng: np.random.Generator) -> torch.Tensor | None:
        """Its value with a gradient, None where no triplet was found."""
        rows = rng.choice(len(self._material), self._batch, replace=False)
        with torch.autocast("cpu", torch.bfloat16, enabled=self._half):
            made = self._student(shown(self._material, rows, self._side, rng))
        made = made.float()
        colour, depth = made[: len(rows)], made[len(rows) :]
        found = mined(colour.detach().numpy(), self._material.labels[rows], rng, self._margin, NEGATIVES)
        if not len(found) and not self._anchor:
            return None
        loss = torch.zeros(())
        if self._anchor:
            target = torch.from_numpy(self._material.rows[rows]).repeat(2, 1)
            loss = loss + self._anchor * Terms().loss(made, target, self._names)
        if len(found):
            places = [torch.from_numpy(part) for part in (found.anchors, found.positives, found.negatives)]
            for view in (colour, depth):
                anchors, positives, negatives = (view[place] for place in places)
                loss = loss + triplet_loss(anchors, positives, negatives, self._margin)
        return loss
