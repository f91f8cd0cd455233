"""Views of each room as a scene encoder's vectors, to recognise rooms by.

A view is a frame (JPEG) or a depth frame (16-bit PNG, millimetres) and the vector [d] that a named encoder
made of it. Vectors of different encoders are never compared: those of another encoder are made again.
"""

import io
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from core.errors import InputError, RoomwiseError
from core.frames import decode
from core.ports import Millimetres, Rows, SceneEncoder
from memory.blobs import DEPTH, FRAME, Blobs
from memory.schema import transaction

Kind = Literal["rgb", "depth"]
"""Colour or depth."""
MOST = 32
"""Views of a kind that are kept per room."""
ALIKE = 0.98
"""Cosine from which another view of a room is redundant."""
_SUFFIX: dict[Kind, str] = {"rgb": FRAME, "depth": DEPTH}
_NOT_DEPTH = "A depth frame of the gallery is no 16-bit PNG. Forget the room: roomwise rooms forget {}"


@dataclass(frozen=True)
class RoomViews:
    """The views of one kind, of all rooms: rows float32 [n, d], and the room of each."""

    rooms: tuple[str, ...]
    rows: Rows

    def of_room(self, room: str) -> Rows:
        """The rows [n, d] of one room."""
        return self.rows[[name == room for name in self.rooms]] if self.rooms else self.rows


class Gallery:
    """The views in a memory, as `Memory.gallery`. `errors` translates database errors."""

    def __init__(
        self,
        database: sqlite3.Connection,
        blobs: Blobs,
        errors: Callable[[], AbstractContextManager[None]],
        now: Callable[[], str],
    ) -> None:
        self._database, self._blobs, self._errors, self._now = database, blobs, errors, now

    def add(self, room: str, kind: Kind, data: bytes, vector: Rows, encoder: str) -> bool:
        """Keep a view, with its file's bytes and `vector` float32 [d], unless the room has one so alike.

        Returns whether it was kept. Of more than `MOST` views the most redundant is dropped. Raises
        StorageError.
        """
        existing = [row for _, row in self._vectors(room, kind, encoder)]
        if existing and float(np.max(np.stack(existing) @ vector)) >= ALIKE:
            return False
        with self._errors():
            frame = self._blobs.put(data, _SUFFIX[kind])
            self._insert(room, kind, frame, vector, encoder)
            numbered = self._vectors(room, kind, encoder)
            if len(numbered) > MOST:
                self._drop(most_redundant(numbered))
        return True

    def views(self, kind: Kind, encoder: str) -> RoomViews:
        """All views of a kind by this encoder, oldest first."""
        with self._errors():
            rows = self._database.execute(
                "SELECT room, vector FROM views WHERE kind = ? AND encoder = ? ORDER BY number",
                (kind, encoder),
            ).fetchall()
        vectors = [np.frombuffer(vector, np.float32) for _, vector in rows]
        return RoomViews(
            tuple(room for room, _ in rows), np.stack(vectors) if rows else np.zeros((0, 0), "f4")
        )

    def counts(self) -> dict[str, dict[Kind, int]]:
        """How many views of each kind each room has."""
        counts: dict[str, dict[Kind, int]] = {}
        with self._errors():
            rows = self._database.execute("SELECT room, kind, count(*) FROM views GROUP BY room, kind")
            for room, kind, count in rows:
                counts.setdefault(room, {"rgb": 0, "depth": 0})[kind] = count
        return counts

    def catch_up(self, encoder: SceneEncoder, notice: Callable[[str], None]) -> None:
        """Make the views of other encoders again, and views of rooms that have pairs only.

        `notice` gets a sentence about this, and about each unusable frame.
        """
        with self._errors():
            stale = self._database.execute(
                "SELECT number, room, kind, frame FROM views WHERE encoder != ?", (encoder.name,)
            ).fetchall()
            fresh = self._database.execute(
                "SELECT DISTINCT room, frame FROM pairs WHERE room NOT IN (SELECT room FROM views)"
            ).fetchall()
        if stale:
            notice(f"The views of rooms are read again, {len(stale)} of them: another encoder made them.")
        for number, room, kind, frame in stale:
            vector = self._read(room, kind, frame, encoder, notice)
            with self._errors():
                if vector is None:
                    self._drop(number)
                else:
                    self._database.execute(
                        "UPDATE views SET vector = ?, encoder = ? WHERE number = ?",
                        (vector.tobytes(), encoder.name, number),
                    )
        for room, frame in fresh:
            vector = self._read(room, "rgb", frame, encoder, notice)
            if vector is not None:
                with self._errors():
                    self._insert(room, "rgb", frame, vector, encoder.name)

    def forget_frame(self, frame: str) -> None:
        """Forget the views of a frame, by its SHA-256."""
        with self._errors():
            self._database.execute("DELETE FROM views WHERE frame = ?", (frame,))

    def move(self, room: str, to: str) -> None:
        """Give the views of a room to another."""
        with self._errors():
            self._database.execute("UPDATE OR IGNORE views SET room = ? WHERE room = ?", (to, room))
            self._database.execute("DELETE FROM views WHERE room = ?", (room,))

    def forget(self, room: str) -> None:
        """Forget the views of a room; the next sweep deletes their files unless a pair needs them."""
        with self._errors():
            self._database.execute("DELETE FROM views WHERE room = ?", (room,))

    def files(self) -> Iterator[str]:
        """Names of the files that views refer to."""
        with self._errors():
            rows = self._database.execute("SELECT DISTINCT kind, frame FROM views").fetchall()
        yield from (f"{frame}{_SUFFIX[kind]}" for kind, frame in rows)

    def uses(self, frame: str) -> bool:
        """Whether a view is of this frame."""
        query = "SELECT 1 FROM views WHERE frame = ?"
        return self._database.execute(query, (frame,)).fetchone() is not None

    def _insert(self, room: str, kind: Kind, frame: str, vector: Rows, encoder: str) -> None:
        with transaction(self._database):
            self._database.execute(
                "INSERT OR REPLACE INTO views (room, kind, frame, encoder, vector, seen) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (room, kind, frame, encoder, np.ascontiguousarray(vector, np.float32).tobytes(), self._now()),
            )

    def _drop(self, number: int) -> None:
        self._database.execute("DELETE FROM views WHERE number = ?", (number,))

    def _vectors(self, room: str, kind: Kind, encoder: str) -> list[tuple[int, Rows]]:
        with self._errors():
            rows = self._database.execute(
                "SELECT number, vector FROM views WHERE room = ? AND kind = ? AND encoder = ? "
                "ORDER BY number",
                (room, kind, encoder),
            ).fetchall()
        return [(number, np.frombuffer(vector, np.float32)) for number, vector in rows]

    def _read(
        self, room: str, kind: Kind, frame: str, encoder: SceneEncoder, notice: Callable[[str], None]
    ) -> Rows | None:
        try:
            data = self._blobs.get(frame, _SUFFIX[kind])
            return encode_view(kind, data, encoder, room)
        except RoomwiseError as error:
            notice(f"A view of {room} is of no use. {error}")
            return None


def encode_view(kind: Kind, data: bytes, encoder: SceneEncoder, room: str = "it") -> Rows:
    """The vector [d] of a view's file. Raises ImageError, InputError when it shows nothing."""
    rows = encoder.rgb([decode(data)]) if kind == "rgb" else encoder.depth([decode_depth(data, room)])
    vector: Rows = rows[0]
    return vector


def decode_depth(data: bytes, room: str = "it") -> Millimetres:
    """Distances uint16 [h, w] in millimetres of a 16-bit PNG. Raises InputError for anything else."""
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
            depth = np.asarray(picture)
    except (OSError, ValueError, SyntaxError) as error:
        raise InputError(_NOT_DEPTH.format(room)) from error
    if depth.ndim != 2 or depth.dtype.kind not in "iu":
        raise InputError(_NOT_DEPTH.format(room))
    return depth.astype(np.uint16)


def encode_depth(depth: Millimetres) -> bytes:
    """Distances uint16 [h, w] in millimetres as a 16-bit PNG."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(depth, np.uint16)).save(buffer, "PNG")
    return buffer.getvalue()


def most_redundant(numbered: list[tuple[int, Rows]]) -> int:
    """The number of the older of the two most similar views; `numbered` is oldest first, at least two."""
    rows = np.stack([row for _, row in numbered])
    likeness = rows @ rows.T
    np.fill_diagonal(likeness, -np.inf)
    first, second = divmod(int(np.argmax(likeness)), len(rows))
    return numbered[min(first, second)][0]
