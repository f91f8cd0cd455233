"""Paired frames to learn from, and random batches of them: aligned crops under varied light."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from core.ports import Rows
from models.scene.pixels import depth_channels


@dataclass(frozen=True)
class Material:
    """Frames uint8 [n, S, S, 3] and their aligned depth uint16 [n, S, S] in millimetres.

    `rows` float32 [n, d] are the teacher's, of the pictures alone; `labels` int64 [n] its pseudo labels.
    """

    frames: NDArray[np.uint8]
    depth: NDArray[np.uint16]
    rows: Rows
    labels: NDArray[np.int64]

    def __post_init__(self) -> None:
        if len({len(self.frames), len(self.depth), len(self.rows), len(self.labels)}) != 1:
            raise ValueError("frames, depth, rows and labels differ in number")

    def __len__(self) -> int:
        return len(self.frames)

    def take(self, chosen: NDArray[np.int64]) -> "Material":
        """The chosen rows."""
        return Material(self.frames[chosen], self.depth[chosen], self.rows[chosen], self.labels[chosen])


_SMALLEST = 0.75
"""The smallest crop, as a share of each side. EdgeVL's 8 % of the area would often show just a wall."""
_NOISY = 0.5


@dataclass(frozen=True)
class Crop:
    """The crops of a batch: `theta` [B, 2, 3] for `affine_grid`."""

    theta: torch.Tensor


def draw_crop(count: int, rng: np.random.Generator) -> Crop:
    """A random part of each frame, half of them mirrored."""
    scale = rng.uniform(_SMALLEST, 1, (count, 2))
    shift = rng.uniform(-1, 1, (count, 2)) * (1 - scale)
    theta = np.zeros((count, 2, 3), np.float32)
    theta[:, 0, 0] = scale[:, 0] * np.where(rng.random(count) < 0.5, -1, 1)
    theta[:, 1, 1] = scale[:, 1]
    theta[:, :, 2] = shift
    return Crop(torch.from_numpy(theta))


def whole_frame(count: int) -> Crop:
    """Frames as they are."""
    return Crop(torch.tensor([[1.0, 0, 0], [0, 1, 0]]).repeat(count, 1, 1))


def colour(frames: NDArray[np.uint8], crop: Crop, side: int, rng: np.random.Generator | None) -> torch.Tensor:
    """Pixels [B, 3, side, side] in [-1, 1] of frames uint8 [B, S, S, 3]; with a generator, relit."""
    pixels = torch.from_numpy(frames.transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1)
    pixels_cut = _apply_crop(pixels, crop, side)
    return pixels_cut if rng is None else _relight(pixels_cut, rng)


def distance(depth: NDArray[np.uint16], crop: Crop, side: int) -> torch.Tensor:
    """Pixels [B, 3, side, side] of depth uint16 [B, S, S]; unmeasured pixels do not count in means."""
    metres = torch.from_numpy(depth.astype(np.float32) / 1000)[:, None]
    total, share = _apply_crop(metres, crop, side), _apply_crop((metres > 0).float(), crop, side)
    return depth_channels(torch.where(share > 0.25, total / share.clamp_min(1e-6), 0.0)[:, 0])


def draw_pixels(
    material: Material, rows: NDArray[np.int64], side: int, rng: np.random.Generator
) -> torch.Tensor:
    """Pictures of the rows, then their depth: [2 B, 3, side, side], with the same crop for both."""
    crop = draw_crop(len(rows), rng)
    return torch.cat([
        colour(material.frames[rows], crop, side, rng),
        distance(material.depth[rows], crop, side),
    ])


def _apply_crop(maps: torch.Tensor, crop: Crop, side: int) -> torch.Tensor:
    """Crop [B, C, S, S] to [B, C, side, side]."""
    grid = functional.affine_grid(crop.theta, [*maps.shape[:2], side, side], align_corners=False)
    return functional.grid_sample(maps, grid, mode="bilinear", padding_mode="border", align_corners=False)


def _relight(pixels: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Vary exposure, contrast, white balance and noise."""
    count = len(pixels)

    def draw(low: float, high: float, channels: int = 1) -> torch.Tensor:
        return torch.from_numpy(rng.uniform(low, high, (count, channels, 1, 1)).astype(np.float32))

    relit = (pixels * draw(0.8, 1.25) + 1) * draw(0.75, 1.25) * draw(0.93, 1.07, 3) - 1
    noise = torch.from_numpy(rng.standard_normal(pixels.shape, dtype=np.float32))
    return (relit + noise * draw(0, 0.06) * (draw(0, 1) < _NOISY)).clamp(-1, 1)
