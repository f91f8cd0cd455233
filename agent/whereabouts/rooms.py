"""The known rooms; renaming, merging and forgetting them."""

from dataclasses import dataclass

from adapters.jobs.store import HOME, AdapterStore
from core.errors import InputError
from core.text import check_room, did_you_mean
from memory.store import Memory


@dataclass(frozen=True)
class KnownRoom:
    """A room with its numbers of pairs, views by each camera, and adapters; `adapter` is the active one's
    number.
    """

    name: str
    pairs: int
    views: int
    depth_views: int
    adapters: int
    adapter: int | None


def known_rooms(memory: Memory, store: AdapterStore) -> list[KnownRoom]:
    """All rooms of which anything is stored, by name. Raises StorageError."""
    pairs, views = memory.rooms(), memory.gallery.counts()
    rooms = []
    for name in sorted({*pairs, *views, *store.rooms()} - {HOME}):
        counts_of, current = views.get(name, {}), store.current(name)
        counts = (
            pairs.get(name, 0),
            counts_of.get("rgb", 0),
            counts_of.get("depth", 0),
            len(store.versions(name)),
        )
        rooms.append(KnownRoom(name, *counts, current.number if current else None))
    return rooms


def rename(memory: Memory, store: AdapterStore, room: str, name: str) -> KnownRoom:
    """Rename a room. Raises InputError when it does not exist, or the name is taken."""
    check_room(name)
    _find_room(memory, store, room)
    if name in {*memory.rooms(), *memory.gallery.counts()}:
        raise InputError(
            f"There is a room {name} already. To make them one: roomwise rooms merge {room} {name}"
        )
    # Adapters first: without pairs they do no harm, pairs without theirs would be learnt anew.
    store.rename(room, name)
    memory.move(room, name)
    return _find_room(memory, store, name)


def merge(memory: Memory, store: AdapterStore, room: str, into: str) -> KnownRoom:
    """Make a room part of another, whose adapters stay; its own, which know only a part, go. Raises
    InputError when there is no such room.
    """
    _find_room(memory, store, room), _find_room(memory, store, into)
    if room == into:
        raise InputError(f"{room} cannot be merged into itself. Name two rooms: roomwise rooms list")
    # Adapters first here too: as long as the room is named in memory, a second try finds it.
    store.forget(room)
    memory.move(room, into)
    return _find_room(memory, store, into)


def forget(memory: Memory, store: AdapterStore, room: str) -> KnownRoom:
    """Delete all of a room: pairs, views, frames, adapters; returns what it was. Raises InputError when there
    is no such room.
    """
    was = _find_room(memory, store, room)
    store.forget(room)
    memory.forget(room)
    return was


def _find_room(memory: Memory, store: AdapterStore, room: str) -> KnownRoom:
    rooms = {known.name: known for known in known_rooms(memory, store)}
    if room not in rooms:
        raise InputError(f"There is no room {room!r}. {did_you_mean(room, rooms)}")
    return rooms[room]
