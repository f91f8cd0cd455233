"""One thing that can stand in a room: its shape, its surfaces, and what can be said about it."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bench.rooms.world.meshes import Mesh
from bench.rooms.world.palette import COLOURS, RGB, WOODS, to_linear
from bench.rooms.world.textures import LIBRARY, PATTERNS

Rng = np.random.Generator


@dataclass(frozen=True)
class SurfaceMaterial:
    """A surface: linear `rgb`; `tile` is its texture's size (metres); `fit` stretches it once over (w, h)."""

    rgb: tuple[float, float, float]
    texture: tuple[str, int] | None = None
    tile: tuple[float, float] = (1.0, 1.0)
    fit: bool = False
    gloss: float = 0.0
    emit: float = 0.0


@dataclass(frozen=True)
class Surface:
    """A flat place to put things on: centre in the thing's frame, width, depth, free height, in metres."""

    x: float
    y: float
    z: float
    width: float
    depth: float
    clearance: float = 9.0
    inside: bool = False


@dataclass
class Thing:
    """A thing in its own frame: origin on the floor (or wall), front towards -y, metres.

    `colour` is None where a person could not name one. `light` is (height, radius) of a lamp that is on.
    """

    category: str
    size: tuple[float, float, float]
    parts: list[tuple[Mesh, SurfaceMaterial]]
    colour: str | None = None
    made_of: str | None = None
    pattern: str | None = None
    surfaces: list[Surface] = field(default_factory=list)
    light: tuple[float, float] | None = None
    is_on: bool | None = None


@dataclass
class Stock:
    """Where a room's builders draw colours, woods and textures from; never yields a banned colour."""

    rng: Rng
    split: int
    banned_colours: frozenset[str] = frozenset()

    def uniform(self, low: float, high: float) -> float:
        """A plain float."""
        return float(self.rng.uniform(low, high))

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return bool(self.rng.random() < probability)

    def colour(self, *without: str) -> tuple[str, RGB]:
        """A colour name and one shade of it (sRGB)."""
        names = [c for c in COLOURS if c not in without and c not in self.banned_colours]
        name = names[int(self.rng.integers(len(names)))]
        return name, self.shade(COLOURS[name])

    def shade(self, rgb: RGB, spread: float = 0.10) -> RGB:
        """A slightly different shade of an sRGB colour."""
        c = np.array(rgb) * (1 + self.rng.uniform(-spread, spread)) + self.rng.uniform(-0.02, 0.02, 3)
        r, g, b = np.clip(c, 0.02, 0.97).tolist()
        return r, g, b

    def paint(
        self,
        rgb: RGB,
        texture: str | None = None,
        tile: float | tuple[float, float] = 1.0,
        *,
        fit: bool = False,
        gloss: float = 0.0,
        emit: float = 0.0,
    ) -> SurfaceMaterial:
        """A material of an sRGB colour; `texture` is a kind of `textures.KINDS`."""
        r, g, b = to_linear(rgb).tolist()
        chosen = None if texture is None else (texture, int(self.rng.integers(LIBRARY)))
        size = tile if isinstance(tile, tuple) else (tile, tile)
        return SurfaceMaterial((r, g, b), chosen, size, fit, gloss, emit)

    def wood(self, *names: str) -> tuple[SurfaceMaterial, str, str]:
        """Wood (or one of `names`): material, colour name, and what it is made of."""
        choice = list(names or WOODS)
        name = choice[int(self.rng.integers(len(choice)))]
        rgb, colour = WOODS[name]
        painted = name.startswith("painted")
        return self.paint(self.shade(rgb), None if painted else "wood", 0.9, gloss=0.1), colour, "wood"

    def cloth(
        self, *without: str, tile: float = 0.4, patterned: float = 0.35
    ) -> tuple[SurfaceMaterial, str, str]:
        """Coloured cloth: material, colour name, pattern (`plain`, `striped`, `checked`, `dotted`)."""
        colour, rgb = self.colour(*without, *(("white", "black") if patterned >= 1 else ()))
        if not self.chance(patterned) or colour in ("white", "black", "gray", "beige", "navy"):
            return self.paint(rgb, "fabric", 0.3), colour, "plain"
        pattern = PATTERNS[int(self.rng.integers(len(PATTERNS)))]
        return self.paint(rgb, pattern, tile), colour, pattern


def metal(stock: Stock) -> SurfaceMaterial:
    """Dark or bright metal for legs and handles."""
    return stock.paint((0.10, 0.10, 0.11) if stock.chance(0.5) else (0.62, 0.63, 0.65), gloss=0.25)


def bounds(thing: Thing) -> NDArray[np.float32]:
    """Lowest and highest corner of a thing in its own frame, [2, 3]."""
    points = np.concatenate([mesh.positions.reshape(-1, 3) for mesh, _ in thing.parts])
    return np.stack([points.min(0), points.max(0)])
