"""What a batch looks like: the same part of picture and depth, under other light.

All chance is that of the generator handed in.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from adapters.scene.material import Material
from models.scene.pixels import depth_channels

_SMALLEST = 0.75
"""Of each side of a frame. EdgeVL cuts down to 8 % of its area, which leaves of a room a wall."""
_NOISY = 0.5


@dataclass(frozen=True)
class Look:
    """How rows of a batch are shown: the cut `theta` [B, 2, 3] for `affine_grid`."""

    theta: torch.Tensor


def drawn_look(count: int, rng: np.random.Generator) -> Look:
    """A part of each frame, half of them mirrored."""
    scale = rng.uniform(_SMALLEST, 1, (count, 2))
    shift = rng.uniform(-1, 1, (count, 2)) * (1 - scale)
    theta = np.zeros((count, 2, 3), np.float32)
    theta[:, 0, 0] = scale[:, 0] * np.where(rng.random(count) < 0.5, -1, 1)
    theta[:, 1, 1] = scale[:, 1]
    theta[:, :, 2] = shift
    return Look(torch.from_numpy(theta))


def whole_look(count: int) -> Look:
    """Frames as they are."""
    return Look(torch.tensor([[1.0, 0, 0], [0, 1, 0]]).repeat(count, 1, 1))


def colour(frames: NDArray[np.uint8], look: Look, side: int, rng: np.random.Generator | None) -> torch.Tensor:
    """Pixels [B, 3, side, side] in [-1, 1] of frames uint8 [B, S, S, 3]; no generator, no other light."""
    pixels = torch.from_numpy(frames.transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1)
    cut = _cut(pixels, look, side)
    return cut if rng is None else _lit(cut, rng)


def distance(depth: NDArray[np.uint16], look: Look, side: int) -> torch.Tensor:
    """Pixels [B, 3, side, side] of depth uint16 [B, S, S]; what was not measured takes no part in a mean."""
    metres = torch.from_numpy(depth.astype(np.float32) / 1000)[:, None]
    total, share = _cut(metres, look, side), _cut((metres > 0).float(), look, side)
    return depth_channels(torch.where(share > 0.25, total / share.clamp_min(1e-6), 0.0)[:, 0])


def shown(material: Material, rows: NDArray[np.int64], side: int, rng: np.random.Generator) -> torch.Tensor:
    """Pictures of the rows, then their depth: [2 B, 3, side, side], both of a pair cut alike."""
    look = drawn_look(len(rows), rng)
    return torch.cat([
        colour(material.frames[rows], look, side, rng),
        distance(material.depth[rows], look, side),
    ])


def _cut(maps: torch.Tensor, look: Look, side: int) -> torch.Tensor:
    """[B, C, S, S] to [B, C, side, side]; frames are at most half as large again, so little is skipped."""
    grid = functional.affine_grid(look.theta, [*maps.shape[:2], side, side], align_corners=False)
    return functional.grid_sample(maps, grid, mode="bilinear", padding_mode="border", align_corners=False)


def _lit(pixels: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Other exposure, contrast, white balance, and some noise."""
    count = len(pixels)

    def drawn(low: float, high: float, channels: int = 1) -> torch.Tensor:
        return torch.from_numpy(rng.uniform(low, high, (count, channels, 1, 1)).astype(np.float32))

    lit = (pixels * drawn(0.8, 1.25) + 1) * drawn(0.75, 1.25) * drawn(0.93, 1.07, 3) - 1
    noise = torch.from_numpy(rng.standard_normal(pixels.shape, dtype=np.float32))
    return (lit + noise * drawn(0, 0.06) * (drawn(0, 1) < _NOISY)).clamp(-1, 1)
