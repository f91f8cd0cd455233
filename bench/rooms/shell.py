"""The empty room: floor, walls with a window and a door, ceiling lamp, curtains, daylight."""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bench.rooms.world.meshes import box, cylinder, ripple, rotate_x, rotate_y, rotate_z, sphere
from bench.rooms.world.model import SurfaceMaterial, Thing, metal
from bench.rooms.world.palette import RGB, to_linear
from bench.rooms.world.scene import FurnishedRoom, SphereLight, SunLight, WindowLight

Array = NDArray[np.float32]
YAW = {"N": 0.0, "S": math.pi, "E": -math.pi / 2, "W": math.pi / 2}
WALL_PAINTS: tuple[RGB, ...] = (
    (0.93, 0.91, 0.86), (0.78, 0.84, 0.88), (0.86, 0.80, 0.70), (0.74, 0.80, 0.70), (0.88, 0.78, 0.74),
    (0.90, 0.90, 0.91), (0.66, 0.72, 0.78), (0.92, 0.86, 0.68), (0.60, 0.66, 0.60), (0.80, 0.70, 0.78),
)  # fmt: skip
FLOORS: dict[str, tuple[tuple[RGB, ...], str, float, float]] = {
    "wood": (((0.62, 0.43, 0.26), (0.45, 0.30, 0.19), (0.74, 0.60, 0.44)), "planks", 1.2, 0.15),
    "tile": (((0.82, 0.80, 0.76), (0.60, 0.60, 0.60), (0.70, 0.78, 0.80)), "tiles", 1.4, 0.2),
    "carpet": (
        ((0.62, 0.58, 0.52), (0.36, 0.42, 0.54), (0.52, 0.36, 0.33), (0.40, 0.48, 0.40)), "carpet", 0.7, 0.0,
    ),
}  # fmt: skip
WALL_PATTERNS = ("plain", "plain", "plain", "striped", "brick")
# Left, right, bottom, top of a slab of wall, in metres along and up the wall.
Slab = tuple[float, float, float, float]


@dataclass
class Wall:
    """One wall: middle of its foot, yaw of its frame (x along, y outwards), length, what is on it."""

    name: str
    foot: Array
    yaw: float
    length: float
    taken: list[tuple[float, float, float, float]] = field(default_factory=list)

    def world(self, x: float, y: float, z: float) -> tuple[float, float, float]:
        """A point of the wall's frame in the world."""
        px, py, pz = (rotate_z(self.yaw) @ np.array([x, y, z], np.float32) + self.foot).tolist()
        return px, py, pz

    def is_free(self, x: float, half: float, low: float, high: float) -> bool:
        """Whether nothing is on the stretch x +/- half between two heights."""
        return all(abs(x - a) >= half + b or high <= c or low >= d for a, b, c, d in self.taken)

    def take(self, x: float, half: float, low: float, high: float) -> None:
        """Mark a stretch as used."""
        self.taken.append((x, half, low, high))


def build_shell(room: FurnishedRoom) -> list[Wall]:
    """Floor, ceiling, four walls, window, door, lamp and daylight; returns the walls for furniture."""
    w, d, h = room.size
    s = room.stock
    _floor_and_ceiling(room)
    feet = {"N": (w / 2, d, w), "S": (w / 2, 0.0, w), "E": (w, d / 2, d), "W": (0.0, d / 2, d)}
    walls = [Wall(n, np.array([x, y, 0], np.float32), YAW[n], length) for n, (x, y, length) in feet.items()]
    order = s.rng.permutation(4)
    pattern = WALL_PATTERNS[int(s.rng.integers(len(WALL_PATTERNS)))]
    room.walls = pattern
    paint = WALL_PAINTS[int(s.rng.integers(len(WALL_PAINTS)))]
    material = s.paint(s.shade(paint, 0.05), "wallpaper" if pattern == "striped" else "plaster", 1.2)
    accent = s.paint(s.shade((0.62, 0.33, 0.25)), "brick", 1.1) if pattern == "brick" else material
    window_at = _window_place(room, walls[order[0]])
    for k, wall in enumerate(walls):
        hole = window_at if k == order[0] else None
        _wall(room, wall, accent if k == order[2] else material, h, hole)
    _window(room, walls[order[0]], window_at)
    _door(room, walls[order[1]])
    _ceiling_lamp(room)
    return walls


def _floor_and_ceiling(room: FurnishedRoom) -> None:
    w, d, h = room.size
    s = room.stock
    room.floor = list(FLOORS)[int(s.rng.integers(len(FLOORS)))]
    colours, texture, tile, gloss = FLOORS[room.floor]
    floor = s.paint(s.shade(colours[int(s.rng.integers(len(colours)))]), texture, tile, gloss=gloss)
    ceiling = s.paint((0.95, 0.95, 0.94), "plaster", 1.2)
    slab = box(w + 0.4, d + 0.4, 0.1)
    for name, material, z in (("floor", floor, -0.05), ("ceiling", ceiling, h + 0.05)):
        thing = Thing(name, (w, d, 0.1), [(slab, material)], made_of=room.floor if name == "floor" else None)
        room.add(thing, (w / 2, d / 2, z), parent=None, relation=None, askable=False)


def _wall(
    room: FurnishedRoom, wall: Wall, material: SurfaceMaterial, height: float, hole: Slab | None
) -> None:
    half = wall.length / 2
    slabs: list[Slab] = [(-half - 0.2, half + 0.2, 0.0, height)]
    if hole is not None:
        left, right, low, high = hole
        slabs = [
            (-half - 0.2, half + 0.2, 0.0, low), (-half - 0.2, half + 0.2, high, height),
            (-half - 0.2, left, low, high), (right, half + 0.2, low, high),
        ]  # fmt: skip
    parts = []
    for left, right, low, high in slabs:
        slab = box(right - left, 0.16, high - low)
        x, z = (left + right) / 2, (low + high) / 2
        slab = slab._replace(uv=slab.uv + np.array([x, z], np.float32))
        parts.append((slab.moved(x, 0.08, z), material))
    trim = room.stock.paint((0.93, 0.92, 0.90))
    parts.append((box(wall.length, 0.015, 0.09).moved(0, -0.0075, 0.045), trim))
    thing = Thing("wall", (wall.length, 0.16, height), parts)
    room.add(thing, wall.world(0, 0, 0), wall.yaw, parent=None, relation=None, askable=False)


def _window_place(room: FurnishedRoom, wall: Wall) -> Slab:
    s = room.stock
    width = s.uniform(1.1, min(1.9, wall.length - 1.4))
    height, low = s.uniform(1.0, 1.3), s.uniform(0.85, 1.05)
    room_left = (wall.length - width) / 2 - 0.45
    x = s.uniform(-room_left, room_left)
    return x - width / 2, x + width / 2, low, low + height


def _window(room: FurnishedRoom, wall: Wall, at: Slab) -> None:
    s = room.stock
    left, right, low, high = at
    x, z, width, height = (left + right) / 2, (low + high) / 2, right - left, high - low
    frame = s.paint((0.93, 0.92, 0.90))
    parts = [(box(0.07, 0.1, height).moved(x + k * width / 2, 0.03, z), frame) for k in (-1, 0, 1)]
    parts += [(box(width, 0.1, 0.07).moved(x, 0.03, z + k * height / 2), frame) for k in (-1, 1)]
    parts += [(box(width + 0.2, 0.2, 0.04).moved(x, -0.05, low - 0.02), frame)]
    window = Thing("window", (width, 0.2, height), parts, colour="white", made_of=None)
    room.add(window, wall.world(0, 0, 0), wall.yaw, parent=None, relation="on the wall")
    wall.take(x, width / 2 + 0.45, low - 0.15, 9.0)
    if s.chance(0.7):
        _curtains(room, wall, at)
    _daylight(room, wall, at)


def _curtains(room: FurnishedRoom, wall: Wall, at: Slab) -> None:
    s = room.stock
    left, right, _, _ = at
    top = room.size[2] - 0.2
    cloth, colour, pattern = s.cloth(tile=0.5)
    parts = [(ripple(0.42, top).moved(x, -0.12, top / 2), cloth) for x in (left - 0.15, right + 0.15)]
    rod = cylinder(0.015, right - left + 1.0, 8).turned(rotate_y(math.pi / 2))
    parts.append((rod.moved((left + right) / 2, -0.12, top), metal(s)))
    size = (right - left + 0.7, 0.1, top)
    thing = Thing("curtains", size, parts, colour, "cloth", pattern)
    room.add(thing, wall.world(0, 0, 0), wall.yaw, parent=None, relation="on the wall")
    wall.take((left + right) / 2, (right - left) / 2 + 0.4, 0.0, 9.0)


def _daylight(room: FurnishedRoom, wall: Wall, at: Slab) -> None:
    s = room.stock
    left, right, low, high = at
    turn = rotate_z(wall.yaw)
    day = s.chance(0.75)
    room.sky = to_linear((0.80, 0.88, 1.0)) * np.float32(s.uniform(1.0, 2.4) if day else 0.03)
    centre = np.array(wall.world((left + right) / 2, 0.1, (low + high) / 2), np.float32)
    half_u = (turn @ np.array([(right - left) / 2, 0, 0], np.float32)).astype(np.float32)
    half_v = np.array([0, 0, (high - low) / 2], np.float32)
    inwards = turn @ np.array([0, -1, 0], np.float32)
    room.lights.append(WindowLight(centre, half_u, half_v, inwards, room.sky * 1.6))
    if day and s.chance(0.45):
        azimuth, height = s.uniform(-0.9, 0.9), s.uniform(0.4, 0.9)
        flat = math.cos(height)
        towards = np.array([math.sin(azimuth) * flat, math.cos(azimuth) * flat, math.sin(height)], np.float32)
        power = to_linear((1.0, 0.93, 0.8)) * np.float32(s.uniform(3, 7))
        room.lights.append(SunLight(turn @ towards, power))


def _door(room: FurnishedRoom, wall: Wall) -> None:
    s = room.stock
    x = s.uniform(-wall.length / 2 + 0.7, wall.length / 2 - 0.7)
    if s.chance(0.5):
        leaf, colour, made_of = s.wood("oak", "walnut", "painted white")
    else:
        colour, rgb = s.colour()
        leaf, made_of = s.paint(rgb), "wood"
    trim, knob = s.paint((0.93, 0.92, 0.9)), metal(s)
    parts = [(box(0.84, 0.04, 2.02).moved(x, -0.01, 1.01), leaf)]
    for k in (-1, 1):
        for z, high in ((0.55, 0.7), (1.45, 0.8)):
            parts.append((box(0.26, 0.02, high).moved(x + k * 0.19, -0.035, z), leaf))
    parts += [(box(0.07, 0.07, 2.1).moved(x + k * 0.455, -0.02, 1.05), trim) for k in (-1, 1)]
    parts.append((box(0.98, 0.07, 0.07).moved(x, -0.02, 2.06), trim))
    parts.append((sphere(0.035, 8).moved(x + 0.34, -0.07, 1.0), knob))
    door = Thing("door", (0.98, 0.1, 2.1), parts, colour, made_of)
    room.add(door, wall.world(0, 0, 0), wall.yaw, parent=None, relation="on the wall")
    wall.take(x, 0.55, 0.0, 9.0)


def _ceiling_lamp(room: FurnishedRoom) -> None:
    s = room.stock
    w, d, h = room.size
    x, y, z = w / 2 + s.uniform(-0.3, 0.3), d / 2 + s.uniform(-0.3, 0.3), h - s.uniform(0.12, 0.45)
    on = s.chance(0.8)
    glow = s.paint((1.0, 0.96, 0.88), emit=4.0 if on else 0.0)
    cord = cylinder(0.01, h - z, 6).turned(rotate_x(0.0)).moved(0, 0, (h + z) / 2)
    parts = [(sphere(0.14, 12).moved(0, 0, z), glow), (cord, metal(s))]
    lamp = Thing("ceiling lamp", (0.3, 0.3, 0.3), parts, is_on=on)
    room.add(lamp, (x, y, 0.0), parent=None, relation="on the ceiling")
    power = to_linear((1.0, 0.93, 0.82)) * np.float32(s.uniform(5, 10) if on else 0.6)
    room.lights.append(SphereLight(np.array([x, y, z], np.float32), 0.16, power))
