"""What a cheap camera does to a picture, and a depth camera to depth."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.rooms.world.palette import to_srgb

Array = NDArray[np.float32]
Rng = np.random.Generator


@dataclass(frozen=True)
class Lens:
    """How one frame is taken. Blur and motion are in pixels of a 224-pixel picture."""

    exposure: float  # stops from automatic
    balance: tuple[float, float, float]
    vignette: float
    blur: float
    motion: float
    motion_angle: float
    grain: float

    @staticmethod
    def draw(rng: Rng) -> "Lens":
        """A believable lens: mostly sharp, now and then shaken."""
        r, g, b = np.exp(rng.normal(0, 0.045, 3)).tolist()
        moving = rng.random() < 0.12
        return Lens(
            float(rng.uniform(-0.5, 0.45)), (r, g, b),
            float(rng.uniform(0, 0.45)), float(rng.uniform(0.2, 0.6)),
            float(rng.uniform(1.0, 2.6)) if moving else 0.0, float(rng.uniform(0, math.pi)),
            float(rng.uniform(0.0003, 0.0025)),
        )  # fmt: skip


def photograph(radiance: Array, lens: Lens, rng: Rng) -> NDArray[np.uint8]:
    """Linear radiance [n, n, 3] to 8-bit sRGB: exposure, white balance, vignette, blur, noise, tone curve."""
    n = radiance.shape[0]
    luminance = radiance.mean(-1)
    level = 0.6 * np.percentile(luminance, 65) + 0.4 * luminance.mean() + 1e-3
    x = radiance * np.float32(0.34 / level * 2**lens.exposure) * np.array(lens.balance, np.float32)
    axis = np.arange(n) / n - 0.5
    x = x * (1 - lens.vignette * (axis[:, None] ** 2 + axis[None, :] ** 2))[..., None].astype(np.float32)
    x = _blur(x, lens.blur * n / 224)
    if lens.motion:
        x = _shake(x, lens.motion * n / 224, lens.motion_angle)
    noise = rng.standard_normal(x.shape, np.float32)
    x = np.maximum(x + noise * np.sqrt(np.maximum(x, 0) * lens.grain * 0.5 + lens.grain**2), 0)
    bright = x.mean(-1, keepdims=True)
    wash = np.clip((bright - 0.8) / 3, 0, 0.6)  # highlights lose colour, as on a sensor
    x = x * (1 - wash) + bright * wash
    x = x * (1 + x / 9) / (1 + x * 0.62) * 1.12
    return (to_srgb(x.astype(np.float32)) * 255 + 0.5).astype(np.uint8)


def _blur(x: Array, sigma: float) -> Array:
    reach = int(3 * sigma + 1)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel = (kernel / kernel.sum()).astype(np.float32)
    n = x.shape[0]
    p = np.pad(x, ((reach, reach), (reach, reach), (0, 0)), "edge")
    p = sum(kernel[i] * p[i : i + n] for i in range(2 * reach + 1))
    return np.asarray(sum(kernel[i] * p[:, i : i + n] for i in range(2 * reach + 1)))


def _shake(x: Array, length: float, angle: float) -> Array:
    steps = np.linspace(-length / 2, length / 2, 5)
    moves = [(round(s * math.sin(angle)), round(s * math.cos(angle))) for s in steps]
    n, pad = x.shape[0], math.ceil(length) + 1
    p = np.pad(x, ((pad, pad), (pad, pad), (0, 0)), "edge")
    return np.asarray(
        np.mean([p[pad + a : pad + a + n, pad + b : pad + b + n] for a, b in moves], 0, dtype=np.float32)
    )


def depth_camera(depth: Array, rng: Rng) -> NDArray[np.uint16]:
    """Depth in metres [n, n] to a sensor's 16-bit millimetres: noise, holes at edges, 8 m reach."""
    noise = rng.standard_normal(depth.shape, np.float32) * (0.0012 + 0.0019 * (depth - 0.4) ** 2)
    measured = depth + noise
    gy, gx = np.gradient(depth)
    hole = (np.hypot(gx, gy) > 0.08) & (rng.random(depth.shape) < 0.6)
    measured[hole | (depth <= 0) | (depth > 8)] = 0
    return np.clip(measured * 1000, 0, 65535).astype(np.uint16)
