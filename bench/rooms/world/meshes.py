"""Triangle meshes from simple shapes: metres, +z up, centred unless a builder says otherwise."""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
_F = np.float32


class Mesh(NamedTuple):
    """Triangles: positions [T, 3, 3], unit normals [T, 3, 3], texture coordinates in metres [T, 3, 2]."""

    positions: Array
    normals: Array
    uv: Array

    def moved(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> "Mesh":
        """Translated copy."""
        return self._replace(positions=self.positions + np.array([x, y, z], _F))

    def turned(self, rotation: Array) -> "Mesh":
        """Rotated copy; rotation is [3, 3]."""
        r = rotation.astype(_F)
        return Mesh(self.positions @ r.T, self.normals @ r.T, self.uv)

    def scaled(self, sx: float, sy: float, sz: float) -> "Mesh":
        """Stretched copy, normals kept perpendicular."""
        s = np.array([sx, sy, sz], _F)
        n = self.normals / s
        return Mesh(self.positions * s, n / np.linalg.norm(n, axis=-1, keepdims=True), self.uv * s[:2])


def rotate_x(angle: float) -> Array:
    """Rotation by radians about x."""
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]], _F)


def rotate_y(angle: float) -> Array:
    """Rotation by radians about y."""
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]], _F)


def rotate_z(angle: float) -> Array:
    """Rotation by radians about z (up)."""
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]], _F)


def join(*meshes: Mesh) -> Mesh:
    """One mesh of several."""
    return Mesh(*(np.concatenate(part) for part in zip(*meshes, strict=True)))


def grid(positions: NDArray[Any], normals: NDArray[Any], uv: NDArray[Any]) -> Mesh:
    """Triangles of grids of vertex values, each [R, C, D]."""

    def split(a: NDArray[Any]) -> Array:
        p, q, r, s = a[:-1, :-1], a[1:, :-1], a[1:, 1:], a[:-1, 1:]
        pairs = np.stack([np.stack([p, q, r], 2), np.stack([p, r, s], 2)], 2)
        return pairs.reshape(-1, 3, a.shape[-1]).astype(_F)

    return Mesh(split(positions), split(normals), split(uv))


def box(w: float, d: float, h: float) -> Mesh:
    """Box of width w (x), depth d (y), height h (z)."""
    return _cube_faces(np.array([w, d, h]) / 2, 0.0, np.array([-1.0, 1.0]), np.zeros(2))


def rounded_box(w: float, d: float, h: float, radius: float = 0.06, steps: int = 3) -> Mesh:
    """Box with rounded edges: cushions, mattresses, soft furniture."""
    r = min(radius, w / 2.01, d / 2.01, h / 2.01)
    quarter = np.linspace(0, math.pi / 4, steps)
    side = np.repeat([-1.0, 1.0], steps)
    return _cube_faces(np.array([w, d, h]) / 2 - r, r, side, np.concatenate([-quarter[::-1], quarter]))


def _cube_faces(
    half: NDArray[np.float64], r: float, side: NDArray[np.float64], angle: NDArray[np.float64]
) -> Mesh:
    faces = []
    for axis in range(3):
        u, v = (i for i in range(3) if i != axis)
        for sign in (-1.0, 1.0):
            n = np.zeros((len(side), len(side), 3))
            n[..., axis] = sign
            n[..., u] = np.tan(angle)[:, None]
            n[..., v] = np.tan(angle)[None, :]
            n /= np.linalg.norm(n, axis=-1, keepdims=True)
            p = r * n
            p[..., axis] += sign * half[axis]
            p[..., u] += (side * half[u])[:, None]
            p[..., v] += (side * half[v])[None, :]
            uv = p[..., [u, v]] if axis == 2 or half[2] <= half[u] else p[..., [v, u]]
            faces.append(grid(p, n, uv))
    return join(*faces)


def lathe(profile: list[tuple[float, float]], sides: int = 14) -> Mesh:
    """Surface of revolution about z; profile is (radius, z) from the bottom outside upwards."""
    points = np.array(profile, float)
    step = np.diff(points, axis=0)
    length = np.hypot(*step.T) + 1e-9
    flat = np.stack([step[:, 1], -step[:, 0]], 1) / length[:, None]
    a = np.linspace(0, 2 * math.pi, sides + 1)
    ring = np.stack([np.cos(a), np.sin(a)], 1)
    along = np.concatenate([[0], np.cumsum(length)])
    bands = []
    for k in range(len(step)):
        ends = [_smooth(flat, k, k - 1), _smooth(flat, k, k + 1)]
        p = np.stack([np.c_[ring * points[k + e, 0], np.full(sides + 1, points[k + e, 1])] for e in (0, 1)])
        n = np.stack([np.c_[ring * ends[e][0], np.full(sides + 1, ends[e][1])] for e in (0, 1)])
        uv = np.stack([np.c_[a * points[:, 0].max(), np.full(sides + 1, along[k + e])] for e in (0, 1)])
        bands.append(grid(p, n, uv))
    return join(*bands)


def _smooth(flat: NDArray[np.float64], k: int, other: int) -> NDArray[np.float64]:
    """Normal at one end of a profile step: averaged with its neighbour unless there is a crease."""
    if 0 <= other < len(flat) and flat[k] @ flat[other] > 0.6:
        n = flat[k] + flat[other]
        return np.asarray(n / np.linalg.norm(n))
    return np.asarray(flat[k])


def cylinder(radius: float, h: float, sides: int = 14) -> Mesh:
    """Closed cylinder, centred."""
    return lathe([(0, -h / 2), (radius, -h / 2), (radius, h / 2), (0, h / 2)], sides)


def cone(bottom: float, top: float, h: float, sides: int = 16, closed: bool = True) -> Mesh:
    """Truncated cone, centred; open at both ends when not closed (a lamp shade)."""
    rim = [(bottom, -h / 2), (top, h / 2)]
    return lathe([(0, -h / 2), *rim, (0, h / 2)] if closed else rim, sides)


def sphere(radius: float, sides: int = 14) -> Mesh:
    """Sphere, centred."""
    t = np.linspace(-math.pi / 2, math.pi / 2, sides // 2 + 1)
    return lathe([(max(0.0, radius * math.cos(x)), radius * math.sin(x)) for x in t], sides)


def ring(radius: float, tube: float, start: float = 0.0, end: float = 2 * math.pi, around: int = 14) -> Mesh:
    """Ring, or an arc of one, in the xz plane (a handle, a wheel)."""
    t, p = np.meshgrid(np.linspace(start, end, around + 1), np.linspace(0, 2 * math.pi, 6), indexing="ij")
    n = np.stack([np.cos(t) * np.cos(p), np.sin(p), np.sin(t) * np.cos(p)], -1)
    return grid(np.stack([np.cos(t) * radius, 0 * t, np.sin(t) * radius], -1) + tube * n, n, n[..., :2])


def leaf(length: float, width: float, droop: float) -> Mesh:
    """One leaf growing from the origin along +x and upwards."""
    s = np.linspace(0, 1, 5)
    height = s * length * np.sin(1.1 - droop * s * 1.6) * 0.9
    spine = np.stack([s * length * np.cos(droop * s), 0 * s, height], 1)
    half = width * np.sin(np.pi * np.clip(s, 0.03, 0.97)) ** 0.8
    p = np.stack([spine + np.outer(half, [0, k * 0.5, abs(k) * 0.15]) for k in (1, 0, -1)], 1)
    n = np.cross(np.gradient(p, axis=0), np.gradient(p, axis=1))
    return grid(p, n / (np.linalg.norm(n, axis=-1, keepdims=True) + 1e-9), p[..., :2])


def ripple(w: float, h: float, amplitude: float = 0.035, wave: float = 45.0) -> Mesh:
    """Hanging cloth in the xz plane with vertical folds (a curtain)."""
    s = np.linspace(-w / 2, w / 2, 25)
    y = amplitude * np.sin(s * wave)
    p = np.stack([np.stack([s, y, np.full_like(s, z)], 1) for z in (-h / 2, h / 2)])
    n = np.stack([amplitude * wave * np.cos(s * wave), -np.ones_like(s), 0 * s], 1)
    n /= np.linalg.norm(n, axis=1, keepdims=True)
    return grid(p, np.stack([n, n]), p[..., [0, 2]])
