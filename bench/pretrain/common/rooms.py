"""One room as plain arrays and lines: what a rendering process hands back."""

import json
from typing import Any

import numpy as np

from bench.rooms.catalogue.index import STUDENT_UNSEEN, UNSEEN_COLOURS
from bench.rooms.layout import build_room
from bench.rooms.rendering.facts import observe
from bench.rooms.rendering.render import choose_views, fraction_visible, render_frame
from bench.rooms.rendering.tracer import Tracer

VIEWS = 4


def render_room(index: int, split: str, size: int, student_safe: bool) -> dict[str, Any]:
    """Views of one room: `frames`, `ids`, `depth` as in a shard, and `lines` for its facts.jsonl."""
    banned = (STUDENT_UNSEEN, UNSEEN_COLOURS) if student_safe else (frozenset[str](), frozenset[str]())
    room = build_room(split, index, *banned)
    tracer = Tracer(room)
    objects = {
        str(thing.id): [thing.category, thing.colour, thing.made_of, thing.pattern] for thing in room.objects
    }
    frames, lines = [], []
    for number, view in enumerate(choose_views(tracer, VIEWS)):
        frame = render_frame(tracer, view, size, number)
        facts = observe(room, frame, fraction_visible(tracer, view, frame.ids)).to_dict()
        frames.append(frame)
        lines.append({"room": index, "student_safe": student_safe, "facts": facts, "objects": objects})
    return {
        "frames": _stack([frame.rgb for frame in frames], (size, size, 3), np.uint8),
        "ids": _stack([frame.ids for frame in frames], (size, size), np.uint16),
        "depth": _stack([frame.depth for frame in frames], (size, size), np.float16),
        "lines": json.loads(json.dumps(lines)),
    }


def _stack(arrays: list[Any], shape: tuple[int, ...], dtype: Any) -> Any:
    return np.asarray(arrays, dtype).reshape(len(arrays), *shape)
