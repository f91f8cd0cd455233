"""Rooms rendered once and kept: `shard-00000/` and on for training, `validation-00000/` and on to look at.

A shard is a folder that is complete or absent:
    frames.npy   uint8 [M, S, S, 3], camera-like
    ids.npy      uint16 [M, S, S], object of each pixel, 0 outdoors
    depth.npy    float16 [M, S, S], metres, 0 where there is nothing
    facts.jsonl  a line a frame: room, student_safe, facts, objects {id: [category, colour, made_of, pattern]}
Even shards hold rooms without anything that the student must never see, odd ones everything.
"""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bench.measure.crew import processes
from bench.rooms.catalogue.index import STUDENT_UNSEEN, UNSEEN_COLOURS
from bench.rooms.layout import build_room
from bench.rooms.rendering.facts import observe
from bench.rooms.rendering.render import choose_views, fraction_visible, render_frame
from bench.rooms.rendering.tracer import Tracer
from core.files import atomic_directory, atomic_write_bytes, atomic_write_text

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


ROOMS_A_SHARD = 64
VALIDATION_ROOMS = 24
"""Rooms in each of the two validation shards."""


@dataclass(frozen=True)
class ShardPlan:
    """One shard to be: its folder's name and its rooms."""

    name: str
    split: str
    rooms: range
    student_safe: bool


def plan(
    rooms: int, rooms_a_shard: int = ROOMS_A_SHARD, validation: int = VALIDATION_ROOMS
) -> list[ShardPlan]:
    """Two validation shards first, then enough for `rooms` training rooms; whole shards only."""
    held_out = [("validation", number, validation) for number in range(2)]
    training = [("train", number, rooms_a_shard) for number in range(-(-rooms // rooms_a_shard))]
    return [
        ShardPlan(
            f"{'shard' if split == 'train' else split}-{number:05d}",
            split,
            range(number * size, (number + 1) * size),
            student_safe=number % 2 == 0,
        )
        for split, number, size in [*held_out, *training]
    ]


def render_cache(data: Path, plans: list[ShardPlan], size: int, jobs: int, quiet: bool = False) -> int:
    """Render the shards that are not there yet; the rooms rendered now are counted.

    The same plan gives the same files whatever `jobs` is. Raises StorageError; shards that were
    finished before stay.
    """
    missing = [shard for shard in plans if not (data / shard.name).is_dir()]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    rooms = sum(len(shard.rooms) for shard in missing)
    with (
        Progress(*columns, console=Console(stderr=True), disable=quiet) as progress,
        processes(jobs) as workers,
    ):
        bar = progress.add_task("rooms", total=rooms)
        for shard in missing:
            job = partial(render_room, split=shard.split, size=size, student_safe=shard.student_safe)
            progress.update(bar, description=shard.name)
            rendered: list[dict[str, Any]] = []
            for room in workers.map(job, shard.rooms):
                rendered.append(room)
                progress.advance(bar)
            write_shard(data / shard.name, rendered)
    return rooms


def write_shard(folder: Path, rooms: list[dict[str, Any]]) -> None:
    """Write what `render_room` gave for each room."""
    with atomic_directory(folder) as temporary:
        for key in ("frames", "ids", "depth"):
            write_array(temporary / f"{key}.npy", np.concatenate([room[key] for room in rooms]))
        lines = [json.dumps(line, sort_keys=True) for room in rooms for line in room["lines"]]
        atomic_write_text(temporary / "facts.jsonl", "\n".join(lines) + "\n")


def shard_folders(data: Path, split: str) -> Iterator[Path]:
    """Complete shards in order of their numbers."""
    prefix = "shard" if split == "train" else split
    yield from sorted(path.parent for path in data.glob(f"{prefix}-[0-9]*/facts.jsonl"))


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Write a .npy file, whole or not at all. Raises StorageError."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    atomic_write_bytes(path, buffer.getvalue())
