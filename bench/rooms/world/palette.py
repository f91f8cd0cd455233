"""Colour names and what they look like; the inverse, used to ask only colours that can still be seen."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
RGB = tuple[float, float, float]

COLOURS: dict[str, RGB] = {
    "red": (0.78, 0.10, 0.10), "orange": (0.95, 0.48, 0.06), "yellow": (0.95, 0.83, 0.14),
    "green": (0.14, 0.55, 0.20), "blue": (0.14, 0.36, 0.82), "purple": (0.48, 0.18, 0.64),
    "pink": (0.95, 0.55, 0.70), "brown": (0.42, 0.25, 0.13), "black": (0.06, 0.06, 0.07),
    "white": (0.94, 0.94, 0.92), "gray": (0.50, 0.51, 0.52), "beige": (0.84, 0.75, 0.58),
    "turquoise": (0.22, 0.76, 0.78), "navy": (0.06, 0.09, 0.30),
}  # fmt: skip
WOODS: dict[str, tuple[RGB, str]] = {
    "oak": ((0.70, 0.50, 0.30), "brown"),
    "walnut": ((0.40, 0.26, 0.16), "brown"),
    "painted white": ((0.92, 0.91, 0.88), "white"),
    "painted black": ((0.09, 0.09, 0.10), "black"),
    "birch": ((0.87, 0.76, 0.58), "beige"),
}


def to_linear(rgb: RGB | Array) -> Array:
    """sRGB in [0, 1] to linear light (IEC 61966-2-1), any shape [..., 3] -> float32 [..., 3]."""
    c = np.asarray(rgb, np.float32)
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4).astype(np.float32)


def to_srgb(linear: Array) -> Array:
    """Linear light to sRGB, both in [0, 1], float32 [..., 3]."""
    c = np.clip(linear, 0.0, 1.0)
    curve = 1.055 * np.maximum(c, 1e-9) ** (1 / 2.4) - 0.055
    return np.where(c <= 0.0031308, 12.92 * c, curve).astype(np.float32)


def lab(srgb: Array) -> Array:
    """CIE L*a*b* (D65) of sRGB in [0, 1], [..., 3] -> float32 [..., 3]."""
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]], np.float32
    )
    xyz = to_linear(srgb) @ to_xyz.T / np.array([0.9505, 1.0, 1.089], np.float32)
    f = np.where(xyz > 0.008856, np.cbrt(np.maximum(xyz, 1e-6)), 7.787 * xyz + 16 / 116)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], -1)


_NAMES = list(COLOURS)
_LAB = lab(np.array([COLOURS[n] for n in _NAMES], np.float32))
# A lamp changes lightness more than hue, so hue counts for more.
_WEIGHT = np.array([0.55, 1.0, 1.0], np.float32)


def colour_distances(srgb: Array) -> dict[str, float]:
    """Perceptual distance of one sRGB colour [3] to every colour name."""
    d = np.sqrt((((lab(srgb) - _LAB) * _WEIGHT) ** 2).sum(-1))
    return dict(zip(_NAMES, d.tolist(), strict=True))


def still_looks(name: str, srgb: Array, slack: float = 8.0) -> bool:
    """Whether a seen colour [3] would be called `name`: nearest, or within `slack` of the nearest."""
    d = colour_distances(srgb)
    return d[name] <= min(d.values()) + slack
