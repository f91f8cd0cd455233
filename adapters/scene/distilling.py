"""Stage 1: the student's rows of picture and depth both learn the teacher's row of the picture."""

import numpy as np
import torch
from torch import nn

from adapters.scene.views import Material, draw_pixels


def distance_to(rows: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Mean absolute difference of unit rows [B, d]: EdgeVL's L1, over its 2 B d elements in its code."""
    return (rows - target.detach()).abs().mean()


class Distilling:
    """The loss of one random batch."""

    def __init__(self, student: nn.Module, side: int, material: Material, batch: int) -> None:
        self._student, self._side, self._material = student, side, material
        self._batch = min(batch, len(material))

    def __call__(self, rng: np.random.Generator) -> torch.Tensor:
        """Its value, with a gradient."""
        rows = rng.choice(len(self._material), self._batch, replace=False)
        pixels = draw_pixels(self._material, rows, self._side, rng)
        target = torch.from_numpy(self._material.rows[rows])
        return distance_to(self._student(pixels), target.repeat(2, 1))
