"""Settings, the folder of state, and what is kept there."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from adapters.jobs.store import HOME, AdapterStore
from agent.doctor.doctor import Finding, tried
from core.config import find_config, load_config
from core.errors import StorageError
from core.files import state_dir, storage_errors
from memory.schema import DATABASE, needs_migration

_ENOUGH = 200_000_000  # bytes: a few sessions, their adapters and jobs


def state() -> Iterator[Finding]:
    """Findings on settings, state folder, disk, memory and adapters; nothing there is changed."""
    yield tried("settings", _settings)
    yield tried("state folder", _writable)
    yield tried("disk", _space)
    yield tried("memory", _memory)
    yield from _adapters()


def _settings() -> str:
    load_config()
    found = find_config()
    return str(found.resolve()) if found else "defaults, no file"


def _writable() -> str:
    folder = state_dir()
    with storage_errors("write", folder), tempfile.TemporaryFile(dir=_existing(folder)):
        return str(folder) if folder.is_dir() else f"{folder} (made when it is first needed)"


def _space() -> str:
    folder = _existing(state_dir())
    with storage_errors("read", folder):
        free = shutil.disk_usage(folder).free
    if free < _ENOUGH:
        raise StorageError(
            f"{free / 1e6:.0f} MB are free. Free some space, or set ROOMWISE_HOME to another disk."
        )
    return f"{free / 1e9:.1f} GB free"


def _memory() -> str:
    folder = state_dir() / "memory"
    path = folder / DATABASE
    if not path.is_file():
        if any((folder / "blobs").glob("*")):
            raise StorageError(f"{path} is gone, though frames of its pairs are there. Put it back.")
        return "empty"
    needs_migration(path)  # raises for what is damaged, foreign or newer
    return str(path)


def _adapters() -> Iterator[Finding]:
    store = AdapterStore(state_dir() / "adapters")
    rooms = store.rooms()
    problems = [problem for room in rooms for problem in store.problems(room)]
    for problem in problems:
        said, _, _ = problem.partition(". ")
        yield Finding("adapter", "broken", said, "The last good one answers; train another: roomwise adapt")
    if not problems:
        yield Finding("adapters", "ok", _of(rooms))


def _of(rooms: list[str]) -> str:
    known = len([room for room in rooms if room != HOME])
    told = f"of {known} rooms" if known else ""
    return " and ".join(filter(None, [told, "home" if HOME in rooms else ""])) or "none yet"


def _existing(folder: Path) -> Path:
    """The folder, or the nearest above it that is there."""
    return next((one for one in (folder, *folder.parents) if one.exists()), Path())
