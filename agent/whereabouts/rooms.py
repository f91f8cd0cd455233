"""The known rooms; renaming, merging and forgetting them.

Such a change is memory's in one transaction, then the adapters'. What it will be is on the disk before, so
that the next start ends it if it is cut short between the two.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from adapters.jobs.store import HOME, AdapterStore
from core.errors import InputError, StorageError
from core.files import atomic_write_text, storage_errors
from core.text import check_room, did_you_mean
from core.untrusted import read_as
from memory.store import Memory

_CHANGE = "change.json"
"""In the memory's folder, whose lock guards it."""


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


@dataclass(frozen=True)
class Change:
    """A room becomes part of another or, without one, is forgotten; its adapters move too, or go."""

    room: str
    to: str = ""
    adapters_move: bool = False


def rename(memory: Memory, store: AdapterStore, room: str, name: str) -> KnownRoom:
    """Rename a room. Raises InputError when it does not exist, or the name is taken."""
    change = Change(room, check_room(name), adapters_move=True)
    if not _is_cut_short(memory, store, change):
        _find_room(memory, store, room)
        if name in {*memory.rooms(), *memory.gallery.counts(), *store.rooms()}:
            raise InputError(
                f"There is a room {name} already. To make them one: roomwise rooms merge {room} {name}"
            )
    _make(memory, store, change)
    return _find_room(memory, store, name)


def merge(memory: Memory, store: AdapterStore, room: str, into: str) -> KnownRoom:
    """Make a room part of another, whose adapters stay; its own, which know only a part, go. Raises
    InputError when there is no such room.
    """
    change = Change(room, into)
    if not _is_cut_short(memory, store, change):
        _find_room(memory, store, room), _find_room(memory, store, into)
        if room == into:
            raise InputError(f"{room} cannot be merged into itself. Name two rooms: roomwise rooms list")
    _make(memory, store, change)
    return _find_room(memory, store, into)


def forget(memory: Memory, store: AdapterStore, room: str) -> KnownRoom:
    """Delete all of a room: pairs, views, frames, adapters; returns what it was. Raises InputError when there
    is no such room.
    """
    again = _is_cut_short(memory, store, Change(room))
    was = KnownRoom(room, 0, 0, 0, 0, None) if again else _find_room(memory, store, room)
    _make(memory, store, Change(room))
    return was


def end_change(memory: Memory, store: AdapterStore) -> None:
    """End a change that was cut short after memory's part. Raises StorageError."""
    change = _noted(memory)
    if change is None:
        return
    if change.room in {*memory.rooms(), *memory.gallery.counts()}:
        _note(memory).unlink()  # cut short before anything was done
    else:
        _make(memory, store, change)


def _is_cut_short(memory: Memory, store: AdapterStore, change: Change) -> bool:
    """Whether this very change was begun and not ended; another one is ended first."""
    if _noted(memory) == change:
        return True
    end_change(memory, store)
    return False


def _make(memory: Memory, store: AdapterStore, change: Change) -> None:
    """May be repeated."""
    atomic_write_text(_note(memory), json.dumps(asdict(change)) + "\n")
    if change.to:
        memory.move(change.room, change.to)
    else:
        memory.forget(change.room)
    if change.adapters_move and change.to not in store.rooms():
        store.rename(change.room, change.to)
    else:
        store.forget(change.room)
    with storage_errors("delete", _note(memory)):
        _note(memory).unlink()


def _note(memory: Memory) -> Path:
    return memory.folder / _CHANGE


def _noted(memory: Memory) -> Change | None:
    if not _note(memory).exists():
        return None
    remedy = "Delete it, and look whether all is as it should be: roomwise rooms list"
    noted: Change = read_as(_note(memory), Change, StorageError, remedy)
    return noted


def _find_room(memory: Memory, store: AdapterStore, room: str) -> KnownRoom:
    rooms = {known.name: known for known in known_rooms(memory, store)}
    if room not in rooms:
        raise InputError(f"There is no room {room!r}. {did_you_mean(room, rooms)}")
    return rooms[room]
