"""The rooms that are known, and what a person may want of them: another name, two made one, one forgotten."""

from dataclasses import dataclass

from adapters.jobs.store import AdapterStore
from core.errors import InputError
from core.text import check_room, did_you_mean
from memory.store import Memory


@dataclass(frozen=True)
class KnownRoom:
    """A room, how many pairs it has, views by camera and by depth camera, and adapters; `adapter` is the
    number of the one that answers, None for the student as it was loaded.
    """

    name: str
    pairs: int
    views: int
    depth_views: int
    adapters: int
    adapter: int | None


def known_rooms(memory: Memory, store: AdapterStore) -> list[KnownRoom]:
    """All rooms of which anything is kept, by name. Raises StorageError."""
    pairs, views = memory.rooms(), memory.gallery.counts()
    found = []
    for name in sorted({*pairs, *views}):
        seen, current = views.get(name, {}), store.current(name)
        counts = (pairs.get(name, 0), seen.get("rgb", 0), seen.get("depth", 0), len(store.versions(name)))
        found.append(KnownRoom(name, *counts, current.number if current else None))
    return found


def rename(memory: Memory, store: AdapterStore, room: str, name: str) -> KnownRoom:
    """Give a room another name. Raises InputError when there is no such room, or one of that name already."""
    check_room(name)
    _of(memory, store, room)
    if any(one.name == name for one in known_rooms(memory, store)):
        raise InputError(
            f"There is a room {name} already. To make them one: roomwise rooms merge {room} {name}"
        )
    # Adapters first: without pairs they do no harm, pairs without theirs would be learnt anew.
    store.rename(room, name)
    memory.move(room, name)
    return _of(memory, store, name)


def merge(memory: Memory, store: AdapterStore, room: str, into: str) -> KnownRoom:
    """Make a room part of another, whose adapters stay; its own, which know a part only, go.

    Raises InputError when there is no such room.
    """
    _of(memory, store, room), _of(memory, store, into)
    if room == into:
        raise InputError(f"{room} cannot be merged into itself. Name two rooms: roomwise rooms list")
    memory.move(room, into)
    store.forget(room)
    return _of(memory, store, into)


def forget(memory: Memory, store: AdapterStore, room: str) -> KnownRoom:
    """Forget all of a room for good: pairs, views, frames, adapters; what it was.

    Raises InputError when there is no such room.
    """
    was = _of(memory, store, room)
    memory.forget(room)
    store.forget(room)
    return was


def _of(memory: Memory, store: AdapterStore, room: str) -> KnownRoom:
    every = {one.name: one for one in known_rooms(memory, store)}
    if room not in every:
        raise InputError(f"There is no room {room!r}. {did_you_mean(room, every)}")
    return every[room]
