"""Stage 1: the student's rows of picture and depth both become the teacher's row of the picture."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import nn

from adapters.scene.distilling import distance_to
from adapters.scene.views import Material, draw_pixels
from core.ports import Rows

Sees = Literal["both", "rgb", "depth"]
SCALE = 25.0
"""Of likenesses before the softmax over names: at CLIP's 100 the teacher is sure of everything."""


def unlike(rows: torch.Tensor, target: torch.Tensor, names: torch.Tensor) -> torch.Tensor:
    """How far apart rows [B, d] of student and teacher are in what they take scenes for, among names [k, d].

    Cross-entropy less the teacher's own entropy: at least 0, which is agreement.
    """
    wanted = (SCALE * target.detach() @ names.T).log_softmax(1)
    found = (SCALE * rows @ names.T).log_softmax(1)
    return (wanted.exp() * (wanted - found)).sum(1).mean()


@dataclass(frozen=True)
class Terms:
    """How much of each: the distance of rows, which EdgeVL has alone, and of what they take scenes for.

    With the distance alone a student that is unsure of a view answers the mean of all places, which lies near
    some class that none of them is; it takes long to get away from there.
    """

    rows: float = 20.0
    names: float = 1.0

    def loss(self, rows: torch.Tensor, target: torch.Tensor, names: torch.Tensor) -> torch.Tensor:
        """Their sum."""
        total = self.rows * distance_to(rows, target)
        return total + self.names * unlike(rows, target, names) if self.names else total


LITERAL = Terms(rows=1.0, names=0.0)


class StageLoss:
    """The loss of one step, drawn from seed and step alone. `sees` leaves a modality out, for the baselines.

    `names` are rows of generic class names. With `half` the student computes in bfloat16, twice as fast on
    processors that can; not for students with integers, whose grids are finer than that.
    """

    def __init__(
        self,
        student: nn.Module,
        side: int,
        material: Material,
        batch: int,
        names: Rows,
        sees: Sees = "both",
        terms: Terms | None = None,
        half: bool = False,
    ) -> None:
        self._student, self._side, self._material = student, side, material
        self._batch, self._sees, self._half = min(batch, len(material)), sees, half
        self._terms = terms or Terms()
        self._names = torch.from_numpy(names)

    def __call__(self, rng: np.random.Generator) -> torch.Tensor:
        """Its value, with a gradient."""
        rows = rng.choice(len(self._material), self._batch, replace=False)
        pixels = draw_pixels(self._material, rows, self._side, rng)
        target = torch.from_numpy(self._material.rows[rows])
        half = len(rows)
        seen = {"both": pixels, "rgb": pixels[:half], "depth": pixels[half:]}[self._sees]
        with torch.autocast("cpu", torch.bfloat16, enabled=self._half):
            made = self._student(seen)
        return self._terms.loss(made.float(), target.repeat(len(seen) // half, 1), self._names)
