"""What is known when a session begins: pairs and adapters of rooms visited before.

A session that starts from it gets a copy of its own, so it changes nothing for the others and any number may
start at once. Files that are never edited in place, which is all but the database, are shared on the disk.
"""

import os
import shutil
import sqlite3
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from adapters.jobs.job import write_result
from adapters.jobs.request import JobLimits
from adapters.jobs.store import HOME, AdapterStore
from adapters.training.run import run
from agent.learning.home import home_request
from bench.learning.plan import write_part
from core.errors import StorageError
from core.files import storage_errors
from memory.schema import DATABASE, database_errors
from memory.store import Memory
from models.lora import Adapter, base_of, read_adapter

_PARTS = ("memory", "adapters")


@dataclass(frozen=True)
class RoomState:
    """A folder with `memory` and `adapters` after a visit to `room`; `home`: it is time to consolidate."""

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
    """Copy memory and adapters to an existing folder while nobody writes to `source`. Raises StorageError."""
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
            with database_errors(path), ExitStack() as stack:
                old, new = (stack.enter_context(closing(sqlite3.connect(file))) for file in (path, target))
                old.backup(new)
        elif not path.name.startswith(DATABASE):  # what SQLite keeps beside is in the copy already
            try:
                os.link(path, target)
            except OSError:  # another disk, or one that has no links
                shutil.copyfile(path, target)


_LIMITS = JobLimits(seconds=24 * 3600, loses=0.0)
"""As long as it takes, so that the processor's speed changes no figure."""


def consolidate(state: RoomState) -> None:
    """Train home from all pairs, adopt it if the gate agrees, keep `home.json`. Raises RoomwiseError."""
    with (
        Memory.open(state.memory, read_only=True) as memory,
        TemporaryDirectory(dir=state.folder, prefix="job-") as folder,
    ):
        job = Path(folder)
        result = run(job, home_request(memory, state.student, _LIMITS, state.seed))
        write_result(job, result)
        write_part(state.folder, "home", asdict(result))
        if result.outcome == "promote":
            AdapterStore(state.adapters).adopt(HOME, job)


def read_home(adapters: Path, student: str) -> Adapter | None:
    """The one that answers, of a folder of adapters. Raises WeightsError, StorageError."""
    version = AdapterStore(adapters).current(HOME)
    return None if version is None else read_adapter(version.folder, base_of(student))
