"""Procedural surface textures, float32 [N, N, 4]: factors for a material's colour, and grey to add.

Each split has a library of its own, so validation and test rooms never show a texture of training.
"""

from collections.abc import Callable
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Rng = np.random.Generator
SIZE = 128
LIBRARY = 24  # textures of each kind in a split

_Y, _X = np.mgrid[:SIZE, :SIZE].astype(np.float32) / SIZE


def _rgb(value: Array, added: Array | float = 0.0) -> Array:
    out = np.empty((*value.shape, 4), np.float32)
    out[..., :3] = value[..., None]
    out[..., 3] = added
    return out


def noise(rng: Rng, beta: float = 1.0, sx: float = 1.0, sy: float = 1.0) -> Array:
    """Tileable noise in [0, 1] with a 1/f**beta spectrum, stretched by sx, sy."""
    fx = np.fft.fftfreq(SIZE)[None, :] * SIZE * sx
    fy = np.fft.fftfreq(SIZE)[:, None] * SIZE * sy
    f = np.hypot(fx, fy)
    f[0, 0] = 1.0
    spectrum = np.exp(2j * np.pi * rng.random((SIZE, SIZE))) / f**beta
    spectrum[0, 0] = 0.0
    x = np.fft.ifft2(spectrum).real
    return np.asarray((x - x.min()) / np.ptp(x), np.float32)


def _plaster(rng: Rng) -> Array:
    return _rgb(0.98 + 0.03 * noise(rng))


def _fabric(rng: Rng) -> Array:
    weave = np.sin(2 * np.pi * _X * 16) + np.sin(2 * np.pi * _Y * 16)
    return _rgb(0.94 + 0.03 * weave + 0.10 * (noise(rng, 0.8) - 0.5))


def _wood(rng: Rng) -> Array:
    rings = 0.5 + 0.5 * np.sin(14 * np.pi * noise(rng, 1.8, 0.12))
    return _rgb(1.1 - 0.3 * noise(rng, 1.2, 0.07) - 0.12 * rings)


def _planks(rng: Rng) -> Array:
    out = np.ones((SIZE, SIZE), np.float32)
    grain = noise(rng, 1.3, 0.08)
    rows = int(rng.integers(4, 7))
    edges = np.linspace(0, SIZE, rows + 1).astype(int)
    for top, bottom in pairwise(edges):
        cut, shift = SIZE // 2 + int(rng.integers(-20, 20)), int(rng.integers(SIZE))
        row = 1 - 0.35 * (np.roll(grain, int(rng.integers(SIZE)), 1)[top:bottom] - 0.4)
        row[:, :cut] *= 0.83 + 0.28 * rng.random()
        row[:, cut:] *= 0.83 + 0.28 * rng.random()
        row[:, [0, cut]] *= 0.55
        out[top:bottom] = np.roll(row, shift, 1)
        out[top] *= 0.55
    return _rgb(out)


def _tiles(rng: Rng) -> Array:
    n = int(rng.choice([2, 4]))
    cell = SIZE // n
    out = np.kron(1 + 0.08 * (rng.random((n, n)) - 0.5), np.ones((cell, cell))).astype(np.float32)
    out *= 0.94 + 0.12 * noise(rng, 1.4)
    joint = np.arange(SIZE) % cell < 3
    out[joint, :] = out[:, joint] = float(rng.uniform(0.45, 0.65))
    return _rgb(out)


def _carpet(rng: Rng) -> Array:
    return _rgb(0.72 + 0.35 * noise(rng, 0.15) + 0.12 * noise(rng, 1.2))


def _brick(rng: Rng) -> Array:
    out = np.full((SIZE, SIZE), 1.3, np.float32)
    h, w = SIZE // 8, SIZE // 4
    for r in range(8):
        row = np.full((h, SIZE), 1.3, np.float32)
        for c in range(4):
            row[2:, c * w + 2 : (c + 1) * w] = 1 + 0.3 * (rng.random() - 0.5)
        out[r * h : (r + 1) * h] = np.roll(row, (r % 2) * w // 2, 1)
    return _rgb(out * (0.85 + 0.3 * noise(rng, 0.9)))


def _striped(rng: Rng) -> Array:
    n = int(rng.integers(2, 5))
    return _two_tone((_X * n % 1.0) < 0.5, rng)


def _wallpaper(rng: Rng) -> Array:
    n = int(rng.integers(2, 5))
    return _rgb(np.where((_X * n % 1.0) < 0.5, 1.0, float(rng.uniform(0.72, 0.86))))


def _checked(rng: Rng) -> Array:
    n = int(rng.integers(2, 4))
    return _two_tone(((_X * n % 1 > 0.5) ^ (_Y * n % 1 > 0.5)), rng)


def _dotted(rng: Rng) -> Array:
    n = int(rng.integers(2, 4))
    return _two_tone(np.hypot(_X * n % 1 - 0.5, _Y * n % 1 - 0.5) < 0.3, rng)


def _two_tone(mask: NDArray[np.bool_], rng: Rng) -> Array:
    """Marks in white or black replace the material's colour: factor 0, their grey added."""
    mark = rng.uniform(0.75, 0.9) if rng.random() < 0.75 else rng.uniform(0.02, 0.05)
    base = 0.92 + 0.12 * noise(rng, 0.8)
    return _rgb(np.where(mask, 0.0, base), np.where(mask, mark, 0.0))


def _painting(rng: Rng) -> Array:
    colours = (rng.random((8, 3)) ** 1.2 * 0.8 + 0.05).astype(np.float32)
    out = np.zeros((SIZE, SIZE, 4), np.float32)
    out[..., :3] = 0.4 + 0.5 * colours[0]
    style = int(rng.integers(3))
    for i in range(1, 8):
        cx, cy, a, b = rng.random(4)
        if style == 0:
            mask = np.hypot(_X - cx, _Y - cy) < 0.06 + 0.2 * a
        elif style == 1:
            mask = (abs(_X - cx) < 0.3 * a) & (abs(_Y - cy) < 0.3 * b)
        else:
            mask = 0.1 + 0.12 * i + 0.06 * np.sin(_X * (3 + 4 * a) + 6 * b) < _Y
        out[mask, :3] = colours[i]
    border = np.maximum(abs(_X - 0.5), abs(_Y - 0.5)) > 0.44
    out[border, :3] = 0.9
    return out


def _clock(rng: Rng) -> Array:
    x, y = _X - 0.5, _Y - 0.5
    r, angle = np.hypot(x, y), np.arctan2(x, -y)
    out = np.full((SIZE, SIZE), 0.92, np.float32)
    for k in range(12):
        off = abs((angle - k * np.pi / 6 + np.pi) % (2 * np.pi) - np.pi) * r
        out[(off < 0.014) & (r > 0.34) & (r < 0.43)] = 0.03
    for length, width in ((0.22, 0.024), (0.34, 0.016)):
        off = abs((angle - rng.random() * 6.28 + np.pi) % (2 * np.pi) - np.pi)
        out[(off * r < width) & (r < length) & (off < 1)] = 0.02
    return _rgb(out)


KINDS: dict[str, Callable[[Rng], Array]] = {
    "plaster": _plaster, "fabric": _fabric, "wood": _wood, "planks": _planks, "tiles": _tiles,
    "carpet": _carpet, "brick": _brick, "striped": _striped, "checked": _checked, "dotted": _dotted,
    "painting": _painting, "clock": _clock, "wallpaper": _wallpaper,
}  # fmt: skip
PATTERNS = ("striped", "checked", "dotted")


@cache
def texture(split: int, kind: str, index: int) -> tuple[Array, ...]:
    """Texture `index` of a kind in a split's library: mip levels [N, N, 4], [N/2, N/2, 4], ... down to 4."""
    rng = np.random.default_rng([7919, split, list(KINDS).index(kind), index])
    levels = [KINDS[kind](rng).astype(np.float32)]
    while levels[-1].shape[0] > 4:
        x = levels[-1]
        total = np.asarray(x[::2, ::2] + x[1::2, ::2] + x[::2, 1::2] + x[1::2, 1::2], np.float32)
        levels.append(total / np.float32(4))
    return tuple(levels)
