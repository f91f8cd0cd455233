"""Settings, the folder of state, and what is kept there."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from adapters.jobs.store import HOME, AdapterStore
from agent.doctor.doctor import Finding, check
from agent.doctor.left import left_over
from core.config import find_config, load_config
from core.errors import StorageError
from core.files import state_dir, storage_errors
from memory.schema import DATABASE, needs_migration

_ENOUGH = 200_000_000  # bytes: a few sessions, their adapters and jobs


def state() -> Iterator[Finding]:
    """Settings, state folder, disk, memory and adapters; nothing is changed."""
    yield check("settings", _settings)
    yield check("state folder", _writable)
    yield check("disk", _space)
    yield check("memory", _memory)
    yield from _adapters()
    yield from left_over()


def _settings() -> str:
    load_config()
    path = find_config()
    return str(path.resolve()) if path else "defaults, no file"


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
        summary, _, _ = problem.partition(". ")
        yield Finding(
            "adapter", "broken", summary, "The last good one answers; train another: roomwise adapt"
        )
    if not problems:
        yield Finding("adapters", "ok", _describe_rooms(rooms))


def _describe_rooms(rooms: list[str]) -> str:
    count = len([room for room in rooms if room != HOME])
    parts = f"of {count} rooms" if count else ""
    return " and ".join(filter(None, [parts, "home" if HOME in rooms else ""])) or "none yet"


def _existing(folder: Path) -> Path:
    """The folder, or its nearest existing parent."""
    return next((place for place in (folder, *folder.parents) if place.exists()), Path())
