"""What killed processes left: half written, half deleted, or with nothing that refers to it."""

import shlex
from collections.abc import Iterator
from pathlib import Path

from adapters.jobs.store import HOME, AdapterStore
from agent.doctor.doctor import Finding
from agent.sessions.redact import cut_short
from core.errors import StorageError
from core.files import cache_dir, config_dir, state_dir
from core.parts import find_parts, is_left_over
from memory.strays import strays, without_memory


def left_over() -> Iterator[Finding]:
    """A finding for each kind of remains; none where all is tidy."""
    try:
        gone = [
            *_parts(),
            *cut_short(state_dir()),
            *(state_dir() / "memory" / "blobs" / name for name in strays(state_dir() / "memory")),
        ]
        rooms = set(AdapterStore(state_dir() / "adapters").rooms()) - {HOME}
        unknown = without_memory(state_dir() / "memory", rooms)
    except StorageError:
        return  # a finding of its own: the memory is damaged
    if gone:
        found = f"{len(gone)} half written or half deleted, such as {gone[0]}"
        yield Finding("left over", "broken", found, "They go when an agent starts: roomwise run")
    for room in unknown:
        fix = f"To delete them: roomwise rooms forget {shlex.quote(room)}"
        yield Finding("left over", "broken", f"adapters of {room}, of which nothing is remembered", fix)


def _parts() -> list[Path]:
    places = {state_dir(), cache_dir(), config_dir()}
    return sorted({part for place in places for part in find_parts(place) if is_left_over(part)})
