"""Beds and other soft things."""

import math

import numpy as np

from bench.rooms.catalogue import parts
from bench.rooms.catalogue.parts import Kit
from bench.rooms.world.meshes import Mesh, grid, join, rotate_x
from bench.rooms.world.model import Stock, Surface, Thing

_LINEN = (0.93, 0.92, 0.9)


def bed(stock: Stock) -> Thing:
    """A bed with a headboard at the back; its colour is the blanket's."""
    kit, frame, finish = Kit(stock), stock.wood()[0], parts.cloth(stock, 0.45, 0.5)
    w, length = (0.95, 1.4, 1.6)[int(stock.uniform(0, 3))], 2.02
    white = stock.paint(_LINEN, "fabric", 0.2)
    kit.legs(frame, w + 0.04, length - 0.04, 0.14, 0.07)
    kit.box(frame, (w + 0.06, length, 0.2), z=0.12)
    kit.box(white, (w, length - 0.08, 0.24), z=0.3, r=0.07)
    kit.box(finish.material, (w + 0.1, length * 0.68, 0.28), 0, -length * 0.155, 0.285, r=0.07)
    kit.box(frame, (w + 0.1, 0.06, stock.uniform(0.85, 1.1)), 0, length / 2 - 0.02)
    if stock.chance(0.5):
        kit.box(frame, (w + 0.1, 0.06, 0.42), 0, -length / 2 + 0.01)
    pillow = white if stock.chance(0.6) else parts.cloth(stock, 0.3).material
    count = 1 if w < 1.2 else 2
    for i in range(count):
        x = (i - (count - 1) / 2) * w / count
        kit.box(pillow, (w / count * 0.82, 0.4, 0.15), x, length / 2 - 0.3, 0.53, r=0.07, turn=rotate_x(0.25))
    return kit.standing("bed", finish, [Surface(0, -0.4, 0.565, w * 0.7, 0.9)])


def _pillow(w: float, h: float, thick: float) -> Mesh:
    """Two cloths sewn together at their edges and stuffed: upright in the xz plane, centred."""
    side = np.sin(np.linspace(-math.pi / 2, math.pi / 2, 9))
    u, v = np.meshgrid(side, side)
    bulge = thick / 2 * np.sqrt(np.maximum(0, (1 - u**4) * (1 - v**4)))
    pinch = 1 - 0.07 * (u**2 + v**2 - 2 * u**2 * v**2)  # the corners stick out
    halves = []
    for s in (-1.0, 1.0):
        p = np.stack([u * w / 2 * pinch, s * bulge, v * h / 2 * pinch], -1)
        n = np.stack([u**3 * 0.9, s * (1.02 - np.maximum(abs(u), abs(v)) ** 4), v**3 * 0.9], -1)
        n /= np.linalg.norm(n, axis=-1, keepdims=True)
        halves.append(grid(p, n, p[..., [0, 2]]))
    return join(*halves)


def cushion(stock: Stock) -> Thing:
    """A scatter cushion leaning backwards."""
    kit, finish, s = Kit(stock), parts.cloth(stock, 0.55, 0.22), stock.uniform(0.38, 0.46)
    pillow = _pillow(s, s, stock.uniform(0.15, 0.2))
    kit.add(finish.material, pillow.turned(rotate_x(-stock.uniform(0.3, 0.6))))
    kit.settle()
    return kit.standing("cushion", finish)
