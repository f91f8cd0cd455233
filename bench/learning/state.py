"""What is known when a session begins: pairs and adapters of rooms visited before.

A session that starts from it gets a copy of its own, so it changes nothing for the others and any number may
start at once. Files that are never edited in place, which is all but the database, are shared on the disk.
"""

import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from core.errors import StorageError
from core.files import storage_errors
from memory.schema import DATABASE, database_errors

_PARTS = ("memory", "adapters")


@dataclass(frozen=True)
class State:
    """A folder with `memory` and `adapters`, as a replay keeps them, after a visit to `room`.

    `home`: now is the time to consolidate what all rooms taught.
    """

    folder: Path
    room: str
    student: str
    seed: int
    home: bool = False

    @property
    def memory(self) -> Path:
        """The pairs of all rooms."""
        return self.folder / _PARTS[0]

    @property
    def adapters(self) -> Path:
        """The adapters of all rooms."""
        return self.folder / _PARTS[1]


def copy_state(source: Path, target: Path) -> None:
    """Begin `target`, a folder that is there, with the memory and the adapters in `source`.

    Nobody may be writing to `source`. Raises StorageError, also when `source` is not there.
    """
    if not (source / _PARTS[0]).is_dir():
        raise StorageError(f"{source} holds no memory to begin with. Choose a new folder: --out FOLDER")
    for part in _PARTS:
        for path in sorted((source / part).rglob("*")):
            if path.is_file() and not path.name.startswith("."):
                _copy(path, target / path.relative_to(source))


def _copy(path: Path, target: Path) -> None:
    with storage_errors("write", target):
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.name == DATABASE:
            _copy_database(path, target)
        elif not path.name.startswith(DATABASE):  # what SQLite keeps beside is in the copy already
            _link(path, target)


def _link(path: Path, target: Path) -> None:
    try:
        os.link(path, target)
    except OSError:  # another disk, or one that has no links
        shutil.copyfile(path, target)


def _copy_database(path: Path, target: Path) -> None:
    with (
        database_errors(path),
        closing(sqlite3.connect(path)) as old,
        closing(sqlite3.connect(target)) as new,
    ):
        old.backup(new)
