"""What the builders share: finishes (a material and its names) and a kit to put shapes together."""

import math
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.rooms.world import meshes
from bench.rooms.world.meshes import Array, Mesh, rotate_x, rotate_y, rotate_z
from bench.rooms.world.model import Stock, Surface, SurfaceMaterial, Thing, bounds, metal
from bench.rooms.world.palette import RGB, WOODS

Point = tuple[float, float, float]
DARK: RGB = (0.05, 0.05, 0.06)
CHROME: RGB = (0.66, 0.67, 0.70)
PAPER: RGB = (0.92, 0.90, 0.84)


class Finish(NamedTuple):
    """A material, the colour a person would name, what it is made of, and its pattern (cloth only)."""

    material: SurfaceMaterial
    colour: str | None
    made_of: str | None = None
    pattern: str | None = None


def painted(
    stock: Stock, made_of: str | None = None, gloss: float = 0.08, without: Sequence[str] = ()
) -> Finish:
    """A plain coat of any allowed colour."""
    colour, rgb = stock.colour(*without)
    return Finish(stock.paint(rgb, gloss=gloss), colour, made_of)


def wooden(stock: Stock) -> Finish:
    """Bare wood with a grain; paint where every wood has a banned colour."""
    bare = {name: colour for name, (_, colour) in WOODS.items() if not name.startswith("painted")}
    names = [name for name, colour in bare.items() if colour not in stock.banned_colours]
    return Finish(*stock.wood(*names)) if names else painted(stock)


def finish(stock: Stock, wood: float = 0.3) -> Finish:
    """Furniture: bare wood with this probability, otherwise painted."""
    return wooden(stock) if stock.chance(wood) else painted(stock)


def quiet(stock: Stock) -> SurfaceMaterial:
    """Wood, white, black or metal: for frames and legs whose colour must not rival that of the thing."""
    return metal(stock) if stock.chance(0.25) else stock.wood()[0]


def cloth(stock: Stock, patterned: float = 0.35, tile: float = 0.4) -> Finish:
    """Woven cloth of any allowed colour."""
    material, colour, pattern = stock.cloth(tile=tile, patterned=patterned)
    return Finish(material, colour, "cloth", pattern)


def upholstery(stock: Stock) -> Finish:
    """Cloth, or plain leather, which shines a little."""
    return painted(stock, "leather", 0.22) if stock.chance(0.25) else cloth(stock, 0.3)


def metallic(stock: Stock, made_of: str = "plastic") -> Finish:
    """Bright bare metal now and then, otherwise coloured plastic (or `made_of`)."""
    if stock.chance(0.15) and "gray" not in stock.banned_colours:
        return Finish(stock.paint(CHROME, gloss=0.4), "gray", "metal")
    return painted(stock, made_of, 0.15)


@cache
def _cube(steps: int) -> tuple[Array, Array]:
    """Signs and normals of a rounded cube: positions are signs * (half - radius) + radius * normals."""
    cube = meshes.rounded_box(4.0, 4.0, 4.0, 1.0, steps)
    return cube.positions - cube.normals, cube.normals


def slab(w: float, d: float, h: float, radius: float = 0.0) -> Mesh:
    """Box, rounded when a radius is given: `meshes.box` and `rounded_box` from a cached template."""
    half = np.array([w, d, h], np.float32) / 2
    r = min(radius, float(half.min()) * 0.99)
    signs, normals = _cube(2 if radius else 1)
    p = signs * (half - r) + r * normals
    faces = np.split(p, 3)
    along = [(1, 2) if h <= d else (2, 1), (0, 2) if h <= w else (2, 0), (0, 1)]
    return Mesh(p, normals, np.concatenate([f[..., list(a)] for f, a in zip(faces, along, strict=True)]))


_sphere = cache(meshes.sphere)


@cache
def _rod(sides: int) -> Mesh:
    return meshes.lathe([(0, -0.5), (1, -0.5), (1, 0.5), (0, 0.5)], sides)


def rod(radius: float, h: float, sides: int = 10) -> Mesh:
    """Closed upright cylinder, centred."""
    return _rod(sides).scaled(radius, radius, h)


def plate(outline: NDArray[np.float64]) -> Mesh:
    """Flat face towards -y; outline is [N, 2] points (x, z) seen from the origin, also its uv."""
    ahead = np.roll(outline, -1, 0)
    flat = np.stack([np.zeros_like(outline), outline, ahead], 1)
    p = np.stack([flat[..., 0], np.zeros_like(flat[..., 0]), flat[..., 1]], -1).astype(np.float32)
    n = np.zeros_like(p)
    n[..., 1] = -1
    return Mesh(p, n, flat.astype(np.float32))


def rectangle(w: float, h: float) -> NDArray[np.float64]:
    """Outline of a rectangle about the origin, [4, 2]."""
    return np.array([[-w, -h], [w, -h], [w, h], [-w, h]]) / 2


def disc(radius: float, sides: int = 20) -> NDArray[np.float64]:
    """Outline of a circle about the origin, [sides, 2]."""
    a = np.linspace(0, 2 * math.pi, sides, endpoint=False)
    return np.stack([np.cos(a), np.sin(a)], 1) * radius


def extruded(outline: NDArray[np.float64], depth: float) -> Mesh:
    """Outline [N, 2] in (x, z) made `depth` thick along y, centred."""
    front = plate(outline).moved(y=-depth / 2)
    back = Mesh(front.positions * np.array([1, -1, 1], np.float32), -front.normals, front.uv)
    loop = np.concatenate([outline, outline[:1]])
    edge = np.diff(loop, axis=0)
    n = np.repeat(np.stack([edge[:, 1], 0 * edge[:, 0], -edge[:, 0]], 1), 2, 0)
    n /= np.linalg.norm(n, axis=1, keepdims=True)
    ends = np.stack([loop[:-1], loop[1:]], 1).reshape(-1, 2)
    sides = [np.insert(ends, 1, y, 1) for y in (-depth / 2, depth / 2)]
    wall = meshes.grid(np.stack(sides), np.stack([n, n]), np.stack([ends, ends + 0.01]))
    return meshes.join(front, back, wall)


def tilt(pitch: float = 0.0, yaw: float = 0.0, roll: float = 0.0) -> Array:
    """Rotation by roll about y, then pitch about x, then yaw about z, in radians."""
    return np.asarray(rotate_z(yaw) @ rotate_x(pitch) @ rotate_y(roll), np.float32)


class Kit:
    """Puts shapes together into a Thing. Shapes stand on the given z unless the method says otherwise."""

    def __init__(self, stock: Stock) -> None:
        self.stock = stock
        self.parts: list[tuple[Mesh, SurfaceMaterial]] = []

    def add(self, m: SurfaceMaterial, mesh: Mesh, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> None:
        """Any mesh, moved."""
        self.parts.append((mesh.moved(x, y, z), m))

    def box(
        self, m: SurfaceMaterial, size: Point, x: float = 0, y: float = 0, z: float = 0, *,
        r: float = 0, turn: Array | None = None,
    ) -> None:  # fmt: skip
        """Box standing on z with edges rounded by r, turned about its own middle."""
        mesh = slab(*size, r)
        self.add(m, mesh if turn is None else mesh.turned(turn), x, y, z + size[2] / 2)

    def rod(
        self, m: SurfaceMaterial, radius: float, h: float, x: float = 0, y: float = 0, z: float = 0,
        sides: int = 10,
    ) -> None:  # fmt: skip
        """Upright cylinder standing on z."""
        self.add(m, rod(radius, h, sides), x, y, z + h / 2)

    def bar(self, m: SurfaceMaterial, a: Point, b: Point, radius: float, sides: int = 6) -> None:
        """Round bar between two points."""
        start, way = np.array(a), np.array(b) - np.array(a)
        length = float(np.linalg.norm(way))
        pitch, yaw = math.acos(float(np.clip(way[2] / length, -1, 1))), math.atan2(way[1], way[0])
        x, y, z = (start + way / 2).tolist()
        self.add(m, rod(radius, length, sides).turned(rotate_z(yaw) @ rotate_y(pitch)), x, y, z)

    def ball(
        self, m: SurfaceMaterial, radii: Point, x: float = 0, y: float = 0, z: float = 0, sides: int = 10
    ) -> None:
        """Ellipsoid about (x, y, z)."""
        self.add(m, _sphere(1.0, sides).scaled(*radii), x, y, z)

    def legs(self, m: SurfaceMaterial, w: float, d: float, h: float, t: float, *, splay: float = 0.0) -> None:
        """Four legs, t thick, their outer edges at the corners of w x d; splayed ones are round."""
        for sx in (-1, 1):
            for sy in (-1, 1):
                x, y = sx * (w - t) / 2, sy * (d - t) / 2
                if splay:
                    self.bar(m, (x - sx * splay, y - sy * splay, h), (x, y, 0.008), t / 2, 8)
                else:
                    self.box(m, (t, t, h), x, y)

    def settle(self) -> None:
        """Put what was built so far on the floor, its bounds centred on the origin."""
        low, high = bounds(Thing("", (0, 0, 0), self.parts))
        x, y = (-(low + high) / 2)[:2].tolist()
        self.parts = [(mesh.moved(x, y, -float(low[2])), m) for mesh, m in self.parts]

    def standing(
        self,
        category: str,
        finish: Finish | None,
        surfaces: Sequence[Surface] = (),
        light: tuple[float, float] | None = None,
        is_on: bool | None = None,
    ) -> Thing:
        """The finished thing, standing on the floor or on another; its size is measured."""
        low, high = bounds(Thing("", (0, 0, 0), self.parts))
        w, d = (2 * np.maximum(-low, high)[:2]).tolist()
        names = finish[1:] if finish else (None, None, None)
        return Thing(category, (w, d, float(high[2])), self.parts, *names, list(surfaces), light, is_on)

    def hanging(self, category: str, finish: Finish | None, surfaces: Sequence[Surface] = ()) -> Thing:
        """The finished thing, hanging on a wall at y = 0 with its middle at z = 0."""
        low, high = bounds(Thing("", (0, 0, 0), self.parts))
        w, _, h = (2 * np.maximum(-low, high)).tolist()
        names = finish[1:] if finish else (None, None, None)
        return Thing(category, (w, -float(low[1]), h), self.parts, *names, list(surfaces))
