"""Where things fit: rectangles on the floor that must not overlap, places on walls and on surfaces."""

import math
from dataclasses import dataclass, field

import numpy as np

from bench.rooms.shell import Wall
from bench.rooms.world.meshes import rotate_z
from bench.rooms.world.model import Surface, Thing
from bench.rooms.world.palette import to_linear
from bench.rooms.world.scene import FLOOR_ID, FurnishedRoom, SphereLight

Corners = list[tuple[float, float]]


def corners(x: float, y: float, w: float, d: float, yaw: float) -> Corners:
    """Corners of a turned rectangle."""
    c, s = math.cos(yaw), math.sin(yaw)
    ends = ((-w / 2, -d / 2), (w / 2, -d / 2), (w / 2, d / 2), (-w / 2, d / 2))
    return [(x + c * a - s * b, y + s * a + c * b) for a, b in ends]


def overlap(a: Corners, b: Corners) -> bool:
    """Whether two convex shapes overlap (separating axes)."""
    for shape in (a, b):
        for (x0, y0), (x1, y1) in zip(shape, shape[1:] + shape[:1], strict=True):
            nx, ny = y0 - y1, x1 - x0
            pa = [x * nx + y * ny for x, y in a]
            pb = [x * nx + y * ny for x, y in b]
            if max(pa) <= min(pb) or max(pb) <= min(pa):
                return False
    return True


@dataclass
class Support:
    """A surface in the world with what stands on it: (x, y, radius) in the surface's frame."""

    owner: int
    category: str
    at: tuple[float, float, float]
    yaw: float
    surface: Surface
    used: list[tuple[float, float, float]] = field(default_factory=list)


@dataclass
class Floor:
    """The free floor of a room, and the surfaces that furniture brings."""

    room: FurnishedRoom
    walls: list[Wall]
    footprints: list[Corners] = field(default_factory=list)
    supports: list[Support] = field(default_factory=list)

    def fits(self, shape: Corners) -> bool:
        """Inside the room and clear of everything."""
        w, d, _ = self.room.size
        inside = all(-0.005 <= x <= w + 0.005 and -0.005 <= y <= d + 0.005 for x, y in shape)
        return inside and not any(overlap(shape, other) for other in self.footprints)

    def put(self, thing: Thing, x: float, y: float, yaw: float) -> int:
        """Stand a thing on the floor, whatever is there."""
        number = self.room.add(thing, (x, y, 0.0), yaw, parent=FLOOR_ID, relation="on")
        self.footprints.append(corners(x, y, thing.size[0], thing.size[1], yaw))
        self.register(thing, number, (x, y, 0.0), yaw)
        return number

    def register(self, thing: Thing, number: int, at: tuple[float, float, float], yaw: float) -> None:
        """Note the thing's surfaces and its light."""
        turn = rotate_z(yaw)
        for s in thing.surfaces:
            px, py, pz = (turn @ np.array([s.x, s.y, s.z], np.float32) + np.array(at, np.float32)).tolist()
            self.supports.append(Support(number, thing.category, (px, py, pz), yaw, s))
        if thing.light is not None:
            z, radius = thing.light
            centre = np.array([at[0], at[1], at[2] + z], np.float32)
            power = to_linear((1.0, 0.85, 0.62)) * np.float32(self.room.stock.uniform(0.8, 1.6))
            self.room.lights.append(SphereLight(centre, radius, power))

    def try_put(self, thing: Thing, x: float, y: float, yaw: float, margin: float = 0.04) -> int | None:
        """Stand it there if it fits."""
        shape = corners(x, y, thing.size[0] + 2 * margin, thing.size[1] + 2 * margin, yaw)
        return self.put(thing, x, y, yaw) if self.fits(shape) else None

    def try_anywhere(self, thing: Thing, tries: int = 20, square: bool = False) -> int | None:
        """Stand it at a random free place."""
        s = self.room.stock
        w, d, _ = self.room.size
        for _ in range(tries):
            yaw = math.pi / 2 * int(s.rng.integers(4)) if square else s.uniform(-math.pi, math.pi)
            number = self.try_put(thing, s.uniform(0.35, w - 0.35), s.uniform(0.35, d - 0.35), yaw)
            if number is not None:
                return number
        return None

    def try_wall(self, thing: Thing, gap: float = 0.04, tries: int = 24) -> tuple[int, Wall, float] | None:
        """Stand it with its back to a wall: object id, wall, place along the wall."""
        s = self.room.stock
        w, d, h = thing.size
        for _ in range(tries):
            wall = self.walls[int(s.rng.integers(4))]
            reach = (wall.length - w) / 2 - 0.06
            if reach <= 0:
                continue
            x = s.uniform(-reach, reach)
            px, py, _ = wall.world(x, -d / 2 - gap, 0)
            if not wall.is_free(x, w / 2, 0.0, h) or not self.fits(corners(px, py, w, d, wall.yaw)):
                continue
            number = self.put(thing, px, py, wall.yaw)
            wall.take(x, w / 2, 0.0, h)
            return number, wall, x
        return None

    def try_hang(self, thing: Thing, height: float, tries: int = 16) -> int | None:
        """Hang it on a wall with its centre at `height`."""
        s = self.room.stock
        w, _, h = thing.size
        for _ in range(tries):
            wall = self.walls[int(s.rng.integers(4))]
            x = s.uniform(-wall.length / 2 + w / 2 + 0.15, wall.length / 2 - w / 2 - 0.15)
            if not wall.is_free(x, w / 2 + 0.08, height - h / 2 - 0.05, height + h / 2 + 0.05):
                continue
            wall.take(x, w / 2, height - h / 2, height + h / 2)
            at = wall.world(x, 0, height)
            number = self.room.add(thing, at, wall.yaw, parent=None, relation="on the wall")
            self.register(thing, number, at, wall.yaw)
            return number
        return None

    def try_set(self, thing: Thing, support: Support, tries: int = 12) -> int | None:
        """Set a small thing on a surface, clear of what is there."""
        s, area = self.room.stock, support.surface
        w, d, h = thing.size
        radius = 0.5 * max(w, d)
        half_w, half_d = area.width / 2 - w / 2, area.depth / 2 - min(d, area.depth) / 2
        if h > area.clearance or half_w < 0:
            return None
        for _ in range(tries):
            x, y = s.uniform(-half_w, half_w), s.uniform(-half_d, half_d) if half_d > 0 else 0.0
            if any(math.hypot(x - a, y - b) < radius + r for a, b, r in support.used):
                continue
            support.used.append((x, y, radius))
            dx, dy, _ = (rotate_z(support.yaw) @ np.array([x, y, 0], np.float32)).tolist()
            at = (support.at[0] + dx, support.at[1] + dy, support.at[2])
            yaw = support.yaw + s.uniform(-0.4, 0.4)
            relation = "in" if area.inside else "on"
            number = self.room.add(thing, at, yaw, parent=support.owner, relation=relation)
            self.register(thing, number, at, yaw)
            return number
        return None
