"""Before stage 1: the last layer alone learns, on features of the untouched backbone.

A new last layer's first gradients are noise to a backbone that has learnt something already, and spoil it
(Kumar et al., Fine-Tuning can Distort Pretrained Features, ICLR 2022): linear probing first, fine-tuning
after.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from adapters.scene.views import Material, draw_pixels
from bench.pretrain.scene.distilling import Sees, Terms
from core.ports import Rows
from models.scene.student import SceneStudent

_BATCH = 256
_CHUNK = 24
_RATE = 2e-3


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
        some = torch.from_numpy(rng.choice(len(features), min(_BATCH, len(features)), replace=False))
        loss = terms.loss(student.embed(features[some]), targets[some], classes)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
    student.eval()


def _features(
    student: SceneStudent, material: Material, rows: NDArray[np.int64], sees: Sees, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """What the backbone makes of the frames, and the rows they should become."""
    student.eval()
    found, wanted = [], []
    for some in np.array_split(rows, max(1, len(rows) // _CHUNK)):
        pixels = draw_pixels(material, some, student.shape.side, rng)
        half = len(some)
        seen = {"both": pixels, "rgb": pixels[:half], "depth": pixels[half:]}[sees]
        with torch.no_grad():
            found.append(student.pool(seen))
        wanted.append(torch.from_numpy(material.rows[some]).repeat(len(seen) // half, 1))
    return torch.cat(found), torch.cat(wanted)
