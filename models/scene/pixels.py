"""Check pictures and depth frames, and prepare them for a scene encoder.

Both become square float32 pixels [B, 3, S, S] in [-1, 1]. Frames are squeezed, not cropped, so that a picture
and its depth stay aligned whatever the camera's format.
"""

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch.nn import functional

from core.errors import InputError
from core.ports import Millimetres

_LEAST_MEASURED = 0.02
"""Share of a depth frame that must hold a measurement."""
_NEAREST, _FARTHEST = 50, 20_000
"""Millimetres; anything outside must be another unit, such as metres in whole numbers."""
_FILLING = (3, 9, 27)
_STEEPEST = 4.0


def picture_pixels(images: Sequence[Image.Image], side: int) -> torch.Tensor:
    """Pixels of n > 0 RGB pictures. Raises InputError for one of another mode, or of a single colour."""
    return torch.stack([_picture(image, side) for image in images])


def depth_pixels(depths: Sequence[Millimetres], side: int) -> torch.Tensor:
    """Pixels of n > 0 depth frames, uint16 [h, w] in millimetres. Raises InputError, see `check_depth`."""
    for depth in depths:
        check_depth(depth)
    metres = (torch.from_numpy(depth.astype(np.float32) / 1000)[None] for depth in depths)
    return depth_channels(torch.cat([shrink(frame, side) for frame in metres]))


def check_depth(depth: Millimetres, least: float = _LEAST_MEASURED) -> None:
    """Raises InputError for a wrong type, shape or unit, or less than a share `least` measured."""
    if not isinstance(depth, np.ndarray) or depth.dtype != np.uint16:
        kind = getattr(depth, "dtype", type(depth).__name__)
        raise InputError(f"Depth is {kind}, not uint16. Give millimetres as whole numbers of 16 bits.")
    if depth.ndim != 2 or min(depth.shape) < 2:
        raise InputError(
            f"Depth has shape {depth.shape}, not [height, width] of uint16. Give one frame of one channel."
        )
    measured = depth[depth > 0]
    if measured.size < least * depth.size:
        raise InputError(
            "The depth frame is empty, or measured next to nothing: almost no pixel holds a distance. "
            "Uncover the sensor, or move farther away from what is in front of it."
        )
    middle = float(np.median(measured))
    if not _NEAREST <= middle <= _FARTHEST:
        raise InputError(
            f"Half of the depth frame lies beyond {middle:g}, which in millimetres is no room. "
            "Give millimetres; multiply metres by 1000."
        )


def check_pair(image: Image.Image, depth: Millimetres) -> None:
    """Raises InputError when the aspect ratios of picture and depth differ."""
    check_depth(depth)
    wide, high = image.size
    if abs(wide / high - depth.shape[1] / depth.shape[0]) > 0.02 * wide / high:
        raise InputError(
            f"The picture is {wide} x {high}, its depth {depth.shape[1]} x {depth.shape[0]}: they do not lie "
            "on top of each other. Let the camera align depth to colour."
        )


def depth_channels(metres: torch.Tensor) -> torch.Tensor:
    """Depth [B, S, S] (0: not measured) as three channels [B, 3, S, S] in [-1, 1].

    The first is the depth between the frame's nearest and farthest point, as in EdgeVL's code (ECCV 2024).
    The others, where EdgeVL repeats it, are the relative slopes across and down, which say which way a
    surface faces at any distance.
    """
    filled = fill_holes(metres)
    low = filled.amin((1, 2), keepdim=True)
    near = (filled - low) / (filled.amax((1, 2), keepdim=True) - low).clamp_min(1e-6)
    return torch.stack([near * 2 - 1, _slope(filled, 2), _slope(filled, 1)], 1)


def fill_holes(metres: torch.Tensor) -> torch.Tensor:
    """Depth [B, S, S] whose zeros are filled with the mean of the nearest measurements."""
    for reach in _FILLING:
        if metres.all():
            break
        total, share = _around(metres, reach), _around((metres > 0).float(), reach)
        metres = torch.where(metres > 0, metres, total / share.clamp_min(1e-6))
    measured = metres > 0
    mean = metres.sum((1, 2)) / measured.sum((1, 2)).clamp_min(1)
    return torch.where(measured, metres, mean[:, None, None])


def _around(maps: torch.Tensor, reach: int) -> torch.Tensor:
    """Means of [B, S, S] over squares of `reach` pixels, zeros beyond the edge."""
    across = functional.avg_pool2d(maps[:, None], (1, reach), 1, (0, reach // 2))
    return functional.avg_pool2d(across, (reach, 1), 1, (reach // 2, 0))[:, 0]


def shrink(metres: torch.Tensor, side: int) -> torch.Tensor:
    """Depth [B, H, W] to [B, side, side]: the mean measurement of each area, 0 where there are few."""
    measured = (metres > 0).float()
    size = (side, side)
    total, share = (
        functional.interpolate(part[:, None], size, mode="bilinear", antialias=True, align_corners=False)[
            :, 0
        ]
        for part in (metres, measured)
    )
    return torch.where(share > 0.25, total / share.clamp_min(1e-6), 0.0)


def _picture(image: Image.Image, side: int) -> torch.Tensor:
    if image.mode != "RGB":
        raise InputError(f"The picture is of mode {image.mode}, not RGB. Convert it first.")
    small = np.asarray(image.resize((side, side), Image.Resampling.BILINEAR), np.float32)
    if not np.ptp(small, axis=(0, 1)).any():
        raise InputError(
            "The picture has one colour only: it shows nothing. Uncover the camera, or light the room."
        )
    return torch.from_numpy(small / 127.5 - 1).permute(2, 0, 1)


def _slope(metres: torch.Tensor, axis: int) -> torch.Tensor:
    """Relative change from pixel to pixel along an axis of [B, S, S], times the side, squashed to [-1, 1]."""
    side = metres.shape[axis]
    change = torch.gradient(metres.log(), dim=axis)[0]
    return torch.tanh(change * side / _STEEPEST)
