"""What one frame shows, and how clearly: all that questions are made from. Facts go through JSON."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.rooms.rendering.render import RenderedFrame
from bench.rooms.world.palette import still_looks
from bench.rooms.world.scene import FurnishedRoom, PlacedObject

CLEAR_SHARE = 0.010
CLEAR_VISIBLE = 0.45
# What runs out of the picture is harder to recognise, so more of it must be seen.
CUT_SHARE = 0.020
_DIGITS = 4


@dataclass(frozen=True)
class VisibleThing:
    """One thing with at least one pixel in the frame.

    `share` is its part of all pixels, `visible` the part of it that nothing hides, both in [0, 1];
    `cx`, `cy` its centroid in [0, 1] from the top left; `depth` metres (median); `support` the
    category of what it stands on.
    """

    id: int
    category: str
    colour: str | None
    made_of: str | None
    pattern: str | None
    parent: int | None
    support: str | None
    relation: str | None
    is_on: bool | None
    share: float
    visible: float
    cx: float
    cy: float
    depth: float
    looks_coloured: bool
    touches_border: bool

    @property
    def clear(self) -> bool:
        """Whether a person would recognise it in this frame."""
        enough = self.share >= (CUT_SHARE if self.touches_border else CLEAR_SHARE)
        return enough and self.visible >= CLEAR_VISIBLE


@dataclass(frozen=True)
class FrameFacts:
    """A frame in words: the kind of room, the floor, its share of the pixels, every thing with a pixel."""

    kind: str
    floor: str
    floor_share: float
    seen: tuple[VisibleThing, ...]

    def to_dict(self) -> dict[str, Any]:
        """A dict that survives JSON."""
        return {**asdict(self), "seen": [asdict(thing) for thing in self.seen]}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "FrameFacts":
        """The inverse of `to_dict`."""
        return cls(**{**values, "seen": tuple(VisibleThing(**thing) for thing in values["seen"])})


def observe(room: FurnishedRoom, frame: RenderedFrame, visible: dict[int, float]) -> FrameFacts:
    """Facts of a frame of `room`; `visible` maps an id to its unhidden part (`render.fraction_visible`)."""
    objects = {thing.id: thing for thing in room.objects}
    light = _illuminant(frame.rgb)
    counts = np.bincount(frame.ids.ravel())
    present = [objects[i] for i in np.flatnonzero(counts).tolist() if i in objects]
    seen = tuple(
        _visible_thing(thing, objects.get(thing.parent or 0), frame, visible.get(thing.id, 0.0), light)
        for thing in present
        if thing.askable
    )
    share = sum(int(counts[thing.id]) for thing in present if thing.category == "floor") / frame.ids.size
    return FrameFacts(room.kind, room.floor, round(share, _DIGITS), seen)


def _visible_thing(
    thing: PlacedObject,
    parent: PlacedObject | None,
    frame: RenderedFrame,
    visible: float,
    light: NDArray[np.float32],
) -> VisibleThing:
    mask = frame.ids == thing.id
    rows, columns = np.nonzero(mask)
    size = mask.shape[0]
    depths = frame.depth[mask]
    return VisibleThing(
        id=thing.id, category=thing.category, colour=thing.colour, made_of=thing.made_of,
        pattern=thing.pattern, parent=thing.parent, support=parent.category if parent else None,
        relation=thing.relation, is_on=thing.is_on,
        share=round(len(rows) / mask.size, 6), visible=round(float(visible), _DIGITS),
        cx=round((float(columns.mean()) + 0.5) / size, _DIGITS),
        cy=round((float(rows.mean()) + 0.5) / size, _DIGITS),
        depth=round(float(np.median(depths[depths > 0])) if (depths > 0).any() else 0.0, 3),
        looks_coloured=thing.colour is not None and looks_like(thing.colour, frame.rgb[mask], light),
        touches_border=bool({0, size - 1} & {*rows.tolist(), *columns.tolist()}),
    )  # fmt: skip


def _illuminant(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The light's tint [3] around 1: half grey world, half brightest patch, as an eye adapts to it."""
    flat = rgb.reshape(-1, 3).astype(np.float32) / 255
    bright = flat[flat.sum(1) >= np.quantile(flat.sum(1), 0.95)].mean(0)
    mean = flat.mean(0)
    tint = (bright / max(float(bright.mean()), 1e-3) + mean / max(float(mean.mean()), 1e-3)) / 2
    return np.asarray(np.clip(tint, 0.6, 1.6), np.float32)


def looks_like(name: str, pixels: NDArray[np.uint8], light: NDArray[np.float32]) -> bool:
    """Whether the brighter half of pixels [N, 3] would be called `name`, as they are or with `light` [3]
    discounted: what lies in shadow does not tell a colour.
    """
    lit = pixels[pixels.sum(1) >= np.median(pixels.sum(1))].astype(np.float32).mean(0) / 255
    return still_looks(name, lit) or still_looks(name, np.clip(lit / light, 0, 1))
