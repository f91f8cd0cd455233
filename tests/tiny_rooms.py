"""Rooms that nobody rendered, for tests of what trains on rooms: coloured blocks with known facts."""

from pathlib import Path
from typing import Any

import numpy as np

from bench.pretrain.common.rendering import write_shard

SIDE = 48
_THINGS = (("sofa", "red"), ("bed", "blue"), ("table", "green"), ("plant", "white"))
_RGB = {"red": (200, 30, 30), "blue": (30, 60, 210), "green": (40, 140, 60), "white": (240, 240, 240)}


def write_rooms(data: Path, rooms: int = 6) -> None:
    """One shard for training and one for validation."""
    write_shard(data / "shard-00000", [_room(number) for number in range(rooms)])
    write_shard(data / "validation-00000", [_room(1000 + number) for number in range(2)])


def _room(number: int) -> dict[str, Any]:
    views = [_view(np.random.default_rng([number, view]), number) for view in range(2)]
    stacked: dict[str, Any] = {
        key: np.stack([view[key] for view in views]) for key in ("frames", "ids", "depth")
    }
    return stacked | {"lines": [view["line"] for view in views]}


def _view(rng: np.random.Generator, number: int) -> dict[str, Any]:
    frames = np.full((SIDE, SIDE, 3), 128, np.uint8)
    ids = np.ones((SIDE, SIDE), np.uint16)
    depth = np.full((SIDE, SIDE), 3, np.float16)
    seen = []
    for place, index in enumerate(rng.permutation(len(_THINGS))[:2].tolist()):
        category, colour = _THINGS[index]
        top, left = int(rng.integers(4, 24)), 4 + 22 * place
        box = np.s_[top : top + 18, left : left + 18]
        frames[box], ids[box], depth[box] = _RGB[colour], index + 2, 2
        seen.append(_seen(index + 2, category, colour, top, left))
    facts = {"kind": "bedroom", "floor": "wood", "floor_share": 0.5, "seen": seen}
    objects = {str(i + 2): [category, colour, None, None] for i, (category, colour) in enumerate(_THINGS)}
    line = {
        "room": number,
        "student_safe": True,
        "facts": facts,
        "objects": {**objects, "1": ["floor", None, "wood", None]},
    }
    return {"frames": frames, "ids": ids, "depth": depth, "line": line}


def _seen(number: int, category: str, colour: str, top: int, left: int) -> dict[str, Any]:
    return {
        "id": number, "category": category, "colour": colour, "made_of": None, "pattern": None, "parent": 1,
        "support": "floor", "relation": "on", "is_on": None, "share": 0.14, "visible": 1.0,
        "cx": (left + 9) / SIDE, "cy": (top + 9) / SIDE, "depth": 2.0, "looks_coloured": True,
        "touches_border": False,
    }  # fmt: skip
