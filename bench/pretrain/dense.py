"""Stage 1: the tower learns what fills every part of the grid. Heads on it are needed for that alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from bench.pretrain.augment import apply_placement, photometric, plain_pixels, random_placement, whole_picture
from bench.pretrain.common.dataset import Batch, Frames
from bench.pretrain.common.names import CATEGORIES, COLOURS, MATERIALS, PATTERNS
from bench.pretrain.labels import Labels, dense_labels, parts
from bench.pretrain.recipes import TrainingStage

CLASSES = (len(CATEGORIES), len(COLOURS), len(MATERIALS), len(PATTERNS))
_WEIGHTS = (1.0, 0.6, 0.2, 0.2)  # of the four cross-entropies
_PRESENT_WEIGHT = 2.0
_DEPTH_WEIGHT = 0.3
_RARE = -4.0  # logit of a category before anything is known: few fill a cell
_COUNTED = 256  # frames that class frequencies are counted in
_RAREST, _COMMONEST = 4.0, 0.2  # bounds of a class weight


class DenseHeads(nn.Module):
    """From grid features [B, C, g, g] to logits of the parts of cells, log depth, and presence."""

    def __init__(self, channels: int, grid: int) -> None:
        super().__init__()
        self._parts = parts(grid)
        self.norm = nn.GroupNorm(1, channels)
        self.parts = nn.Conv2d(channels, (sum(CLASSES) + 1) * parts(grid) ** 2, 1)
        self.present = nn.Conv2d(channels, len(CATEGORIES), 1)
        nn.init.constant_(self.present.bias, _RARE)  # type: ignore[arg-type]  # there is a bias
        for index, classes in enumerate(CLASSES):
            self.register_buffer(f"weights_{index}", torch.ones(classes))

    def forward(self, grid: torch.Tensor) -> tuple[tuple[torch.Tensor, ...], torch.Tensor]:
        """Logits [B, classes, G, G] of the four kinds and log depth [B, 1, G, G]; presence [B, K, g, g]."""
        grid = self.norm(grid)
        fine = functional.pixel_shuffle(self.parts(grid), self._parts).float()
        return fine.split([*CLASSES, 1], dim=1), self.present(grid).float()

    def loss(self, grid: torch.Tensor, labels: Labels) -> torch.Tensor:
        """The weighted sum of all terms, one number."""
        fine, present = self(grid)
        total = _depth_loss(fine[-1].squeeze(1), labels.log_depth) * _DEPTH_WEIGHT
        for index, weight in enumerate(_WEIGHTS):
            classes = getattr(self, f"weights_{index}")
            kind = labels.kinds[index]
            summed = functional.cross_entropy(fine[index], kind, classes, ignore_index=-1, reduction="sum")
            total = total + weight * summed / classes[kind[kind >= 0]].sum().clamp(min=1)
        # Few categories fill a cell: the sum over them is what should count, not their mean.
        missed = functional.binary_cross_entropy_with_logits(present, labels.present, reduction="none")
        return total + _PRESENT_WEIGHT * missed.sum(1).mean() / 4

    def class_weights(self, kind: int) -> torch.Tensor:
        """Of a kind's classes, as `count` found them."""
        weights: torch.Tensor = getattr(self, f"weights_{kind}")
        return weights

    def count(self, frames: Frames, grid: int, rng: np.random.Generator) -> None:
        """Set the class weights to 1 / sqrt(frequency), within bounds."""
        batch = frames.draw(rng, _COUNTED)
        labels = dense_labels(batch, whole_picture(_COUNTED), grid)
        for index, classes in enumerate(CLASSES):
            kind = labels.kinds[index]
            tally = torch.bincount(kind[kind >= 0], minlength=classes).float() + 1
            weights = (tally.sum() / classes / tally).sqrt().clamp(_COMMONEST, _RAREST)
            getattr(self, f"weights_{index}").copy_(weights)


def _depth_loss(predicted: torch.Tensor, log_depth: torch.Tensor) -> torch.Tensor:
    measured = ~log_depth.isnan()
    if not bool(measured.any()):
        return predicted.sum() * 0
    return functional.l1_loss(predicted[measured], log_depth[measured])


@dataclass
class Dense:
    """The stage as the loop wants it."""

    model: Any
    heads: DenseHeads
    frames: Frames
    held_out: Frames
    stage: TrainingStage
    grid: int

    def modules(self) -> Iterator[nn.Module]:
        """What is trained."""
        yield from (self.model.model.vision_tower, self.heads)

    def loss(self, step: int, rng: np.random.Generator) -> torch.Tensor:
        """Loss of a fresh batch."""
        batch = self.frames.draw(rng, self.stage.images)
        placement = random_placement(self.stage.images, rng)
        pixels = photometric(batch.frames, rng)
        pixels = apply_placement(pixels, placement, pixels.shape[-1], "bilinear")
        labels = dense_labels(batch, placement, self.grid)
        with torch.autocast("cpu", torch.bfloat16):
            grid = self.model.model.vision_tower(pixels).last_hidden_state
            return self.heads.loss(grid, labels)

    def scores(self) -> dict[str, tuple[float, int]]:
        """Macro-F1 over the classes that occur, in held-out rooms."""
        right = [torch.zeros(3, classes) for classes in CLASSES]
        count = 0
        for number in range(min(24, self.held_out.rescan())):
            room = self.held_out.room(number)
            labels, predicted = self._predict(room)
            for index, counts in enumerate(right):
                counts += _confusion(predicted[index], labels.kinds[index], CLASSES[index])
            count += labels.kinds[0].numel()
        return {
            f"f1 {name}": (_macro_f1(counts), count)
            for name, counts in zip(("category", "colour", "material", "pattern"), right, strict=True)
        }

    def _predict(self, room: Batch) -> tuple[Labels, list[torch.Tensor]]:
        labels = dense_labels(room, whole_picture(len(room.frames)), self.grid)
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            grid = self.model.model.vision_tower(plain_pixels(room.frames)).last_hidden_state
            logits, _ = self.heads(grid)
        return labels, [kind.argmax(1) for kind in logits[:-1]]


def _confusion(predicted: torch.Tensor, labels: torch.Tensor, classes: int) -> torch.Tensor:
    """True positives, predicted and actual counts [3, classes], where the label is known."""
    predicted, actual = predicted[labels >= 0], labels[labels >= 0]
    groups = (predicted[predicted == actual], predicted, actual)
    return torch.stack([torch.bincount(values, minlength=classes) for values in groups]).float()


def _macro_f1(counts: torch.Tensor) -> float:
    right, predicted, actual = counts
    f1 = (2 * right / (predicted + actual).clamp(min=1))[actual > 0]
    return float(f1.mean()) if len(f1) else 0.0
