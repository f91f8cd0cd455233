"""Reading rendered shards: pictures stay on disk (memory-mapped), facts and tables are kept in memory."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.pretrain.common.names import CATEGORIES, COLOURS, MATERIALS, PATTERNS
from bench.pretrain.common.rendering import shard_folders
from bench.rooms.catalogue.index import STUDENT_UNSEEN, UNSEEN_COLOURS
from bench.rooms.rendering.facts import FrameFacts
from core.errors import InputError
from core.files import storage_errors

_KINDS = (CATEGORIES, COLOURS, MATERIALS, PATTERNS)
_PLACES: tuple[dict[str | None, int], ...] = tuple({n: i for i, n in enumerate(names)} for names in _KINDS)
_OUTDOORS = CATEGORIES.index("outdoors")


@dataclass(frozen=True)
class Shard:
    """One folder. `rooms` lists the rows of each room's frames; `tables` [ids, 4] int16, one a frame:
    category, colour, material and pattern of every object id, -1 where unknown.
    """

    frames: NDArray[np.uint8]
    ids: NDArray[np.uint16]
    depth: NDArray[np.float16]
    facts: list[FrameFacts]
    tables: list[NDArray[np.int16]]
    rooms: list[list[int]]


@dataclass(frozen=True)
class Batch:
    """Some frames: uint8 [B, S, S, 3], ids [B, S, S], depth [B, S, S] metres, tables [B, ids, 4], facts."""

    frames: NDArray[np.uint8]
    ids: NDArray[np.int32]
    depth: NDArray[np.float32]
    tables: NDArray[np.int16]
    facts: list[FrameFacts]


@dataclass
class Frames:
    """All frames of a split under `data`; the student gets those alone that are safe for it."""

    data: Path
    split: str
    student_safe: bool
    shards: dict[str, Shard] = field(default_factory=dict)
    skipped: set[str] = field(default_factory=set)
    rooms: list[tuple[str, list[int]]] = field(default_factory=list)
    """Where each room's frames are: shard and rows."""

    @property
    def unseen(self) -> frozenset[str]:
        """Names that no question may mention."""
        return STUDENT_UNSEEN | UNSEEN_COLOURS if self.student_safe else frozenset()

    def rescan(self) -> int:
        """Read shards that have appeared since; gives the number of rooms. Raises InputError if none."""
        for folder in shard_folders(self.data, self.split):
            if folder.name in self.shards or folder.name in self.skipped:
                continue
            shard = read_shard(folder, self.student_safe)
            if shard is None:
                self.skipped.add(folder.name)
                continue
            self.shards[folder.name] = shard
            self.rooms += [(folder.name, rows) for rows in shard.rooms]
        if not self.rooms:
            raise InputError(
                f"There are no {self.split} rooms in {self.data}. Make them with: roomwise pretrain render."
            )
        return len(self.rooms)

    def room(self, number: int) -> Batch:
        """All frames of a room."""
        return self.views([(number, view) for view in range(len(self.rooms[number][1]))])

    def views(self, chosen: list[tuple[int, int]]) -> Batch:
        """Frames by room and view."""
        rooms = [(self.rooms[number], view) for number, view in chosen]
        shards = [(self.shards[name], rows[view]) for (name, rows), view in rooms]
        longest = max(len(shard.tables[row]) for shard, row in shards)
        tables = np.full((len(shards), longest, len(_KINDS)), -1, np.int16)
        for index, (shard, row) in enumerate(shards):
            tables[index, : len(shard.tables[row])] = shard.tables[row]
        return Batch(
            frames=np.stack([shard.frames[row] for shard, row in shards]),
            ids=np.stack([shard.ids[row] for shard, row in shards]).astype(np.int32),
            depth=np.stack([shard.depth[row] for shard, row in shards]).astype(np.float32),
            tables=tables,
            facts=[shard.facts[row] for shard, row in shards],
        )

    def facts(self, number: int) -> list[FrameFacts]:
        """Of all frames of a room, without touching their pictures."""
        name, rows = self.rooms[number]
        return [self.shards[name].facts[row] for row in rows]

    def choose(self, rng: np.random.Generator, count: int) -> list[tuple[int, int]]:
        """Rooms, different ones as long as there are enough, and a view of each."""
        rooms = rng.choice(len(self.rooms), count, replace=count > len(self.rooms)).tolist()
        return [(room, int(rng.integers(len(self.rooms[room][1])))) for room in rooms]

    def draw(self, rng: np.random.Generator, count: int) -> Batch:
        """Frames as `choose` takes them."""
        return self.views(self.choose(rng, count))


def read_shard(folder: Path, student_safe: bool) -> Shard | None:
    """Open one shard; None when the student must not see it."""
    with storage_errors("read", folder):
        text = (folder / "facts.jsonl").read_text(encoding="utf-8")
        lines: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines()]
        if student_safe and not all(line["student_safe"] for line in lines):
            return None
        arrays = {
            key: np.load(folder / f"{key}.npy", mmap_mode="r", allow_pickle=False)
            for key in ("frames", "ids", "depth")
        }
    by_room: dict[int, list[int]] = {}
    for row, line in enumerate(lines):
        by_room.setdefault(line["room"], []).append(row)
    return Shard(
        **arrays,
        facts=[FrameFacts.from_dict(line["facts"]) for line in lines],
        tables=[_table(line["objects"]) for line in lines],
        rooms=list(by_room.values()),
    )


def _table(objects: dict[str, list[str | None]]) -> NDArray[np.int16]:
    table = np.full((max(map(int, objects), default=0) + 1, len(_KINDS)), -1, np.int16)
    for key, values in objects.items():
        table[int(key)] = [places.get(value, -1) for places, value in zip(_PLACES, values, strict=True)]
    table[0, 0] = _OUTDOORS
    return table
