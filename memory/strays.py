"""What a memory's folder knows and holds, read without numpy: for a quick look from outside."""

import contextlib
from collections.abc import Iterable
from pathlib import Path

from memory.blobs import Blobs
from memory.schema import DATABASE, database_errors, needs_migration, open_database

_NAMES = "SELECT frame FROM pairs UNION SELECT signal FROM pairs UNION SELECT frame FROM views"
_ROOMS = "SELECT room FROM pairs UNION SELECT room FROM views"


def strays(folder: Path) -> list[str]:
    """Names of files that no pair or view refers to; opening the memory for writing deletes them. Raises
    StorageError.
    """
    names = Blobs(folder / "blobs").names()
    if not names or needs_migration(folder / DATABASE):
        return []
    needed = _read(folder, _NAMES)
    return sorted(name for name in names if name.split(".")[0] not in needed)


def without_memory(folder: Path, rooms: Iterable[str]) -> list[str]:
    """Those of the rooms of which nothing is remembered. Raises StorageError."""
    if needs_migration(folder / DATABASE):
        return []
    return sorted(set(rooms) - _read(folder, _ROOMS))


def _read(folder: Path, query: str) -> set[str]:
    path = folder / DATABASE
    with database_errors(path), contextlib.closing(open_database(path, writing=False)) as database:
        return {value for (value,) in database.execute(query)}
