"""The SQL statements of memory. Pairs go in and come out as values."""

import re
import sqlite3
from dataclasses import astuple, dataclass, fields
from typing import Any

from core.errors import UnknownPairError
from core.types import Pair

_NAMES = [field.name for field in fields(Pair)]
_COLUMNS = ", ".join(_NAMES)
_PREFIX = re.compile(r"[0-9a-f]{1,32}")


@dataclass(frozen=True)
class Former:
    """An answer that a pair had before it was corrected, and until when (ISO 8601, UTC)."""

    answer: str
    source: str
    replaced: str


def insert(database: sqlite3.Connection, pair: Pair) -> int:
    """Store a pair; returns its number, which grows and is never reused."""
    marks = ", ".join("?" * len(_NAMES))
    cursor = database.execute(f"INSERT INTO pairs ({_COLUMNS}) VALUES ({marks})", astuple(pair))
    return int(cursor.lastrowid or 0)


def numbered(database: sqlite3.Connection, room: str | None = None) -> dict[int, Pair]:
    """The pairs of a room, or of all, by number, in the order they came."""
    where, values = ("WHERE room = ?", (room,)) if room is not None else ("", ())
    rows = database.execute(f"SELECT number, {_COLUMNS} FROM pairs {where} ORDER BY number", values)
    return {number: Pair(*row) for number, *row in rows}


def find(database: sqlite3.Connection, prefix: str) -> tuple[int, Pair]:
    """The one pair whose id begins so, with its number. Raises UnknownPairError."""
    start = prefix.strip().lower()
    rows: list[Any] = []
    if _PREFIX.fullmatch(start):
        query = f"SELECT number, {_COLUMNS} FROM pairs WHERE id GLOB ? ORDER BY number LIMIT 2"
        rows = database.execute(query, (f"{start}*",)).fetchall()
    if not rows:
        raise UnknownPairError(f"No pair's id begins with {prefix[:40]!r}. See them: roomwise memory list")
    if len(rows) > 1:
        raise UnknownPairError(f"Several ids begin with {start!r}. Give more of the one you mean.")
    number, *values = rows[0]
    return int(number), Pair(*values)


def replace_answer(database: sqlite3.Connection, pair: Pair, answer: str, now: str) -> None:
    """Keep the pair's answer as a former one and put a person's in its place, without the old signal."""
    database.execute("INSERT INTO history VALUES (?, ?, ?, ?)", (pair.id, pair.answer, pair.source, now))
    database.execute(
        "UPDATE pairs SET answer = ?, source = 'person', signal = NULL WHERE id = ?", (answer, pair.id)
    )


def add_former(database: sqlite3.Connection, pair: Pair, former: Former) -> None:
    """Store a former answer of a pair that is there."""
    database.execute("INSERT INTO history VALUES (?, ?, ?, ?)", (pair.id, *astuple(former)))


def history(database: sqlite3.Connection, pair: Pair) -> list[Former]:
    """The pair's former answers, oldest first."""
    rows = database.execute(
        "SELECT answer, source, replaced FROM history WHERE pair = ? ORDER BY rowid", (pair.id,)
    )
    return [Former(*row) for row in rows]


def delete(database: sqlite3.Connection, pair: Pair) -> None:
    """Remove a pair and its former answers."""
    database.execute("DELETE FROM pairs WHERE id = ?", (pair.id,))


def rooms(database: sqlite3.Connection) -> dict[str, int]:
    """How many pairs each room has, by name."""
    return dict(database.execute("SELECT room, count(*) FROM pairs GROUP BY room ORDER BY room"))


def move(database: sqlite3.Connection, room: str, to: str) -> int:
    """Give the pairs of a room to another; how many."""
    return database.execute("UPDATE pairs SET room = ? WHERE room = ?", (to, room)).rowcount


def is_used(database: sqlite3.Connection, column: str, name: str) -> bool:
    """Whether any pair refers to this blob; `column` is frame or signal."""
    return database.execute(f"SELECT 1 FROM pairs WHERE {column} = ?", (name,)).fetchone() is not None
