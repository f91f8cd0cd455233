"""The same room as other cameras would show it. Every random number comes from the generator handed in."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

_NOISY = 0.5
_BLURRED = 0.3
_SMALLEST_CROP = 0.85


def photometric(frames: NDArray[np.uint8], rng: np.random.Generator) -> torch.Tensor:
    """Other exposure, contrast, white balance and gamma, some noise and blur.

    uint8 [B, S, S, 3] to float32 [B, 3, S, S] in [-1, 1], as the tower takes them.
    """
    count = len(frames)
    values = np.arange(256, dtype=np.float32) / 255
    gamma = rng.uniform(0.8, 1.25, (count, 1, 1))
    contrast = rng.uniform(0.8, 1.2, (count, 1, 1))
    gain = rng.uniform(0.8, 1.2, (count, 1, 1)) * rng.uniform(0.93, 1.07, (count, 3, 1))
    table = ((values**gamma - 0.5) * contrast + 0.5) * gain
    # One look-up a pixel instead of three operations.
    table = (np.clip(table, 0, 1) * 2 - 1).astype(np.float32)
    planes = np.ascontiguousarray(frames.transpose(0, 3, 1, 2)).reshape(count * 3, -1)
    indices = planes + (np.arange(count * 3, dtype=np.int32) * 256)[:, None]
    side = frames.shape[1]
    pixels = torch.from_numpy(table.reshape(-1)[indices].reshape(count, 3, side, side))
    noisy_rows = np.flatnonzero(rng.random(count) < _NOISY)
    noise = rng.standard_normal((len(noisy_rows), 3, side, side), dtype=np.float32)
    pixels[noisy_rows] += torch.from_numpy(
        noise * rng.uniform(0.01, 0.06, (len(noisy_rows), 1, 1, 1)).astype(np.float32)
    )
    blurred_rows = np.flatnonzero(rng.random(count) < _BLURRED)
    if len(blurred_rows):
        pixels[blurred_rows] = functional.avg_pool2d(pixels[blurred_rows], 3, 1, 1, count_include_pad=False)
    return pixels.clamp_(-1, 1)


def plain_pixels(frames: NDArray[np.uint8]) -> torch.Tensor:
    """No change: what an image processor gives for a picture of this size."""
    return torch.from_numpy(frames.transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1)


def random_placement(count: int, rng: np.random.Generator) -> torch.Tensor:
    """A part of 85 to 100 % of each side, half of them mirrored: [B, 2, 3] for `affine_grid`."""
    scale = rng.uniform(_SMALLEST_CROP, 1, (count, 2))
    shift = rng.uniform(-1, 1, (count, 2)) * (1 - scale)
    mirror = np.where(rng.random(count) < 0.5, -1.0, 1.0)
    theta = np.zeros((count, 2, 3), np.float32)
    theta[:, 0, 0], theta[:, 1, 1] = scale[:, 0] * mirror, scale[:, 1]
    theta[:, :, 2] = shift
    return torch.from_numpy(theta)


def whole_picture(count: int) -> torch.Tensor:
    """The placement [B, 2, 3] that leaves pictures as they are."""
    return torch.tensor([[1.0, 0, 0], [0, 1, 0]]).expand(count, 2, 3)


def apply_placement(maps: torch.Tensor, placement: torch.Tensor, side: int, mode: str) -> torch.Tensor:
    """Float maps [B, C, S, S] cut, mirrored and resized to `side`; `mode` is bilinear or nearest."""
    size = [*maps.shape[:2], side, side]
    grid = functional.affine_grid(placement, size, align_corners=False)
    return functional.grid_sample(maps, grid, mode=mode, padding_mode="border", align_corners=False)
