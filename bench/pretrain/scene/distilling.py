"""Stage 1: the student's rows of picture and depth both become the teacher's row of the picture.

Before it the last layer learns alone (`warm_up`): a new layer's first gradients are noise to a backbone that
has learnt something already, and spoil it (Kumar et al., Fine-Tuning can Distort Pretrained Features, ICLR
2022).
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from adapters.scene.distilling import distance_to
from adapters.scene.views import Material, draw_pixels
from core.ports import Rows
from models.scene.student import SceneStudent

Sees = Literal["both", "rgb", "depth"]
SCALE = 25.0
"""Of likenesses before the softmax over names: at CLIP's 100 the teacher is sure of everything."""
_BATCH = 256
_CHUNK = 24
_RATE = 2e-3


def disagreement(rows: torch.Tensor, target: torch.Tensor, names: torch.Tensor) -> torch.Tensor:
    """How far apart rows [B, d] of student and teacher are in what they take scenes for, among names [k, d].

    Cross-entropy less the teacher's own entropy: at least 0, which is agreement.
    """
    teacher = (SCALE * target.detach() @ names.T).log_softmax(1)
    student = (SCALE * rows @ names.T).log_softmax(1)
    return (teacher.exp() * (teacher - student)).sum(1).mean()


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
        return total + self.names * disagreement(rows, target, names) if self.names else total


LITERAL = Terms(rows=1.0, names=0.0)


@dataclass(frozen=True)
class StageLoss:
    """The loss of one step, drawn from seed and step alone. `sees` leaves a modality out, for the baselines.

    `names` are rows of generic class names. With `half` the student computes in bfloat16, twice as fast on
    processors that can; not for students with integers, whose grids are finer than that.
    """

    student: nn.Module
    side: int
    material: Material
    batch: int
    names: Rows
    sees: Sees = "both"
    terms: Terms = field(default_factory=Terms)
    half: bool = False

    def __call__(self, rng: np.random.Generator) -> torch.Tensor:
        """Its value, with a gradient."""
        rows = rng.choice(len(self.material), min(self.batch, len(self.material)), replace=False)
        pixels, target = _inputs(self.material, rows, self.side, self.sees, rng)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.half):
            output = self.student(pixels)
        return self.terms.loss(output.float(), target, torch.from_numpy(self.names))


def _inputs(
    material: Material, rows: NDArray[np.int64], side: int, sees: Sees, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Pixels of these frames in the modalities that a student sees, and the teacher's row for each."""
    pixels, count = draw_pixels(material, rows, side, rng), len(rows)
    inputs = {"both": pixels, "rgb": pixels[:count], "depth": pixels[count:]}[sees]
    return inputs, torch.from_numpy(material.rows[rows]).repeat(len(inputs) // count, 1)


def warm_up(
    student: SceneStudent,
    material: Material,
    names: Rows,
    terms: Terms,
    sees: Sees,
    frames: int,
    steps: int,
    seed: int,
) -> None:
    """Train the student's last layer in place on `frames` frames, each seen once as in stage 1."""
    rng = np.random.default_rng([seed, 1])
    rows = rng.choice(len(material), min(frames, len(material)), replace=False)
    features, targets = _features(student, material, rows, sees, rng)
    layers = [*student.project.parameters(), *student.norm.parameters()]
    optimiser = torch.optim.AdamW(layers, lr=_RATE, weight_decay=0.01)
    classes = torch.from_numpy(names)
    student.train()
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = _RATE * (1 - step / steps)
        batch = torch.from_numpy(rng.choice(len(features), min(_BATCH, len(features)), replace=False))
        loss = terms.loss(student.embed(features[batch]), targets[batch], classes)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
    student.eval()


def _features(
    student: SceneStudent, material: Material, rows: NDArray[np.int64], sees: Sees, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """The backbone's features of the frames, and the rows they should become."""
    student.eval()
    features, targets = [], []
    for chunk in np.array_split(rows, max(1, len(rows) // _CHUNK)):
        pixels, target = _inputs(material, chunk, student.shape.side, sees, rng)
        with torch.no_grad():
            features.append(student.pool(pixels))
        targets.append(target)
    return torch.cat(features), torch.cat(targets)
