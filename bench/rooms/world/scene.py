"""A room: what stands where, what it is lit by. Built by `layout`, seen by `tracer`."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bench.rooms.world.meshes import Mesh, rotate_z
from bench.rooms.world.model import Stock, SurfaceMaterial, Thing

Array = NDArray[np.float32]
SPLITS = {"train": 0, "validation": 1, "test": 2}
FLOOR_ID = 1


@dataclass(frozen=True)
class PlacedObject:
    """One thing in the world frame (metres); `parent` is the id it stands on or in.

    Walls, floor and ceiling are not askable.
    """

    id: int
    category: str
    centre: tuple[float, float, float]
    size: tuple[float, float, float]
    colour: str | None = None
    made_of: str | None = None
    pattern: str | None = None
    parent: int | None = None
    relation: str | None = None
    askable: bool = True
    is_on: bool | None = None


@dataclass(frozen=True)
class SphereLight:
    """A glowing ball: centre, radius, radiance-like intensity [3] (linear)."""

    centre: Array
    radius: float
    power: Array


@dataclass(frozen=True)
class WindowLight:
    """A bright rectangle: centre, two half edges, inward normal, radiance [3] (linear)."""

    centre: Array
    half_u: Array
    half_v: Array
    normal: Array
    power: Array


@dataclass(frozen=True)
class SunLight:
    """Parallel light: direction towards the sun, irradiance [3] (linear)."""

    direction: Array
    power: Array


Light = SphereLight | WindowLight | SunLight


@dataclass
class FurnishedRoom:
    """A furnished room. `parts` are world-frame meshes with their material and object id."""

    split: str
    index: int
    kind: str
    size: tuple[float, float, float]
    stock: Stock
    floor: str = ""
    walls: str = "plain"
    objects: list[PlacedObject] = field(default_factory=list)
    parts: list[tuple[Mesh, SurfaceMaterial, int]] = field(default_factory=list)
    lights: list[Light] = field(default_factory=list)
    sky: Array = field(default_factory=lambda: np.zeros(3, np.float32))

    def add(
        self,
        thing: Thing,
        at: tuple[float, float, float],
        yaw: float = 0.0,
        *,
        parent: int | None = FLOOR_ID,
        relation: str | None = "on",
        askable: bool = True,
    ) -> int:
        """Put a thing at a world position, turned by `yaw` radians; returns its object id."""
        number = len(self.objects) + 1
        turn = rotate_z(yaw)
        low, high = np.full(3, np.inf), np.full(3, -np.inf)
        for mesh, material in thing.parts:
            moved = mesh.turned(turn).moved(*at)
            self.parts.append((moved, material, number))
            points = moved.positions.reshape(-1, 3)
            low, high = np.minimum(low, points.min(0)), np.maximum(high, points.max(0))
        cx, cy, cz = ((low + high) / 2).round(3).tolist()
        w, d, h = (high - low).round(3).tolist()
        self.objects.append(
            PlacedObject(
                number, thing.category, (cx, cy, cz), (w, d, h), thing.colour, thing.made_of, thing.pattern,
                parent, relation, askable, thing.is_on,
            )
        )  # fmt: skip
        return number

    def signature(self) -> str:
        """The layout to 10 cm, to show that two rooms differ: kind, sizes, every category with its place."""
        places = sorted((o.category, *(round(c, 1) for c in o.centre)) for o in self.objects)
        return f"{self.kind} {[round(s, 1) for s in self.size]} {places}"
