"""Views of rooms to recognise them by: rendered ones, the same from near, or the pictures of sessions."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.measure.crew import crew
from bench.rooms.layout import build_room
from bench.rooms.rendering.render import choose_views, render_frame
from bench.rooms.rendering.tracer import CameraPose, Tracer
from bench.rooms.sessions import VIEWS
from core.errors import InputError
from core.frames import MAX_PIXELS, decode, encode
from memory.gallery import decode_depth
from models.images import load_image

_QUALITY = 92
_TURN = 6.0
"""Degrees that a camera is turned, at most, when it looks again from near."""
_STEP = 0.15
"""Metres that it is moved, at most."""


@dataclass(frozen=True, eq=False)
class RoomSightings:
    """One room's pictures, and depth uint16 [h, w] in millimetres where there is any; `near` views are taken
    close to the first.
    """

    room: str
    rgb: Sequence[Image.Image]
    depth: Sequence[NDArray[np.uint16]] = ()
    near: Sequence[Image.Image] = ()
    near_depth: Sequence[NDArray[np.uint16]] = ()


def rendered_rooms(split: str, rooms: int, size: int, jobs: int) -> list[RoomSightings]:
    """The first rooms of a split, each as a visitor sees it and again from near its first view."""
    make = partial(_render_room, split=split, size=size)
    with crew(jobs) as workers:
        return workers.each(make, range(rooms), "rooms")


def read_sessions(folder: Path) -> list[RoomSightings]:
    """Sessions of at least two pictures below a folder. Raises InputError when there are none."""
    sessions = [_read_session(path.parent) for path in sorted(folder.glob("*/session.json"))]
    sightings = [session for session in sessions if len(session.rgb) > 1]
    if not sightings:
        raise InputError(f"No session in {folder} has two pictures. Check the path.")
    return sightings


def measured_depth(metres: NDArray[Any], rng: np.random.Generator) -> NDArray[np.uint16]:
    """What a structured-light camera makes of exact distances [h, w]: millimetres, 0 where it sees nothing.

    Noise grows with the square of the distance (Nguyen, Izadi and Lovell 2012, Modeling Kinect sensor noise:
    0.0012 + 0.0019 (z - 0.4)^2 m); beyond 8 m, nearer than 0.3 m and on a twentieth of the edges in depth
    nothing comes back.
    """
    exact = np.asarray(metres, np.float32)
    noisy = exact + rng.normal(size=exact.shape) * (0.0012 + 0.0019 * (exact - 0.4) ** 2)
    edges = np.hypot(*np.gradient(exact)) > 0.05 * np.maximum(exact, 0.3)
    missing = (exact < 0.3) | (exact > 8.0) | (edges & (rng.random(exact.shape) < 0.5))
    millimetres: NDArray[Any] = np.where(missing, 0, np.clip(noisy * 1000, 0, 65535)).round()
    return millimetres.astype(np.uint16)


def _render_room(index: int, split: str, size: int) -> RoomSightings:
    tracer = Tracer(build_room(split, index))
    chosen = choose_views(tracer, VIEWS)
    rng = np.random.default_rng([index, 7])
    near = [_move(view, rng) for view in chosen[:1]]
    frames = [render_frame(tracer, view, size, number) for number, view in enumerate([*chosen, *near])]
    rgb = [decode(encode(Image.fromarray(frame.rgb), _QUALITY)) for frame in frames]
    depth = [measured_depth(frame.depth, rng) for frame in frames]
    count = len(chosen)
    return RoomSightings(f"{split}-{index}", rgb[:count], depth[:count], rgb[count:], depth[count:])


def _move(view: CameraPose, rng: np.random.Generator) -> CameraPose:
    """The same look by somebody who has moved a little."""
    yaw = np.deg2rad(rng.uniform(-_TURN, _TURN))
    turn = np.array([[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]], np.float32)
    step = rng.uniform(-_STEP, _STEP, 3).astype(np.float32)
    return CameraPose(view.eye + step, (turn @ view.rotation).astype(np.float32), view.fov)


def _read_session(folder: Path) -> RoomSightings:
    description = json.loads((folder / "session.json").read_bytes())
    names = description.get("frames") or sorted(path.name for path in folder.glob("frame-*.jpg"))
    rgb = [load_image(folder / name, MAX_PIXELS) for name in names]
    depths = [folder / name for name in description.get("depth", ())]
    return RoomSightings(folder.name, rgb, [decode_depth(path.read_bytes()) for path in depths])
