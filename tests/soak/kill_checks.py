"""What must be true of a state whatever was killed: it opens, nothing is lost, nothing is half there."""

import contextlib
import io
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import roomwise
from adapters.jobs.store import AdapterStore
from agent.doctor.left import left_over
from agent.doctor.state import state
from agent.recording.record import BLOBS, SESSION, read_recording
from agent.sessions.sessions import folders
from core.errors import RoomwiseError
from core.events import Answered, Remembered
from core.lazy import run
from core.parts import find_parts
from memory.store import Memory

EXPORTED = ("pairs", "visit.zip", "adapter")
_LISTS = ("memory", "sessions", "rooms", "adapters")


@dataclass(frozen=True)
class Picture:
    """All that people have: answers of sessions, files of sessions and exports, pairs, numbers of views,
    and adapters with the chosen one first.
    """

    turns: dict[str, dict[int, str]] = field(default_factory=dict)
    files: dict[str, tuple[str, ...]] = field(default_factory=dict)
    pairs: dict[str, list[str]] = field(default_factory=dict)
    views: dict[str, int] = field(default_factory=dict)
    adapters: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def lacks(self, before: "Picture", after: "Picture") -> str:
        """The first thing that is the same before and after, and not here; "" for none."""
        for kind in vars(self):
            here, was, will = (getattr(one, kind) for one in (self, before, after))
            for name, value in was.items():
                if will.get(name) == value != here.get(name):
                    return f"{kind} of {name}: {value} became {here.get(name)}"[:300]
        return ""

    def forgets(self, before: "Picture") -> str:
        """The first answer, pair or adapter that was there before and is not; "" for none."""
        for name, turns in before.turns.items():
            if not turns.items() <= self.turns.get(name, {}).items():
                return f"turns of {name}: {turns} became {self.turns.get(name)}"[:300]
        for id, pair in before.pairs.items():
            if self.pairs.get(id) != pair:
                return f"{pair} became {self.pairs.get(id)}"
        for room, (_, *numbers) in before.adapters.items():
            if not set(numbers) <= set(self.adapters.get(room, ())[1:]):
                return f"adapters of {room}: {numbers} became {self.adapters.get(room)}"
        return ""


@contextlib.contextmanager
def at(home: Path) -> Iterator[None]:
    """With this home as the user's."""
    with patch.dict(os.environ, {"ROOMWISE_HOME": str(home)}):
        yield


def picture(home: Path) -> Picture:
    """Raises RoomwiseError when something cannot be read."""
    place = home / "state"
    store = AdapterStore(place / "adapters")
    sessions = {name: read_recording(folder) for name, folder in folders(place).items()}
    with Memory.open(place / "memory", read_only=True) as memory:
        pairs = {pair.id: [pair.room, pair.question, pair.answer] for pair in memory.pairs()}
        views = {room: sum(counts.values()) for room, counts in memory.gallery.counts().items()}
    exported = tuple(sorted(path.name for path in home.iterdir() if path.name in EXPORTED))
    return Picture(
        {
            name: {event.turn: event.text for event in recording.events if isinstance(event, Answered)}
            for name, recording in sessions.items()
        },
        {
            name: tuple(sorted(path.name for path in (recording.folder / BLOBS).glob("[!.]*")))
            for name, recording in sessions.items()
        }
        | {"": exported},
        pairs,
        views,
        {
            room: (version.number if (version := store.current(room)) else 0, *_numbers(store, room))
            for room in store.rooms()
        },
    )


def _numbers(store: AdapterStore, room: str) -> Iterator[int]:
    return (version.number for version in store.versions(room))


def closed(home: Path) -> Iterator[str]:
    """What does not open or list, as people are told."""
    with at(home):
        for verb in _LISTS:
            code, said = _listed(verb)
            if code or '"problem": "' in said.replace('"problem": ""', ""):
                yield f"{verb} list: {said[-300:]}"
        for finding in state():
            if finding.state == "broken" and finding.name not in ("left over", "disk"):
                yield f"doctor: {finding.name}: {finding.found}"[:300]
    try:
        picture(home)
    except RoomwiseError as error:
        yield str(error)[:300]


def _listed(verb: str) -> tuple[int, str]:
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = run(roomwise.app, "roomwise", [verb, "list", "--json"])
    return code, said.getvalue()


def left(home: Path) -> Iterator[str]:
    """What a start should have taken away."""
    with at(home):
        yield from (f"left over: {finding.found}"[:300] for finding in left_over())
    place = home / "state"
    notes = [*place.glob("memory/change.json"), *place.glob("*/**/redacting.json")]
    yield from (f"not ended: {note.relative_to(home)}" for note in notes)
    yield from (f"part: {part.relative_to(home)}" for part in find_parts(home))
    for kind in ("sessions", "replays"):
        for folder in (place / kind).glob("*"):
            if not any(folder.glob(f"**/{SESSION}")):
                yield f"no session: {folder.relative_to(place)}"
    for recording in (read_recording(folder) for folder in folders(place).values()):
        values = (value for event in recording.events for value in vars(event).values())
        named = {value for value in values if isinstance(value, str)}
        strays = [path.name for path in (recording.folder / BLOBS).glob("*") if path.stem not in named]
        yield from (f"stray: {name} of {recording.folder.name}" for name in strays)


def jobs(home: Path) -> Iterator[str]:
    """Jobs that a start should have taken away; an agent keeps its own to the next one."""
    yield from (f"job: {job.name}" for job in (home / "state" / "jobs").glob("*"))


def untaught(session: Path, place: Path) -> Iterator[str]:
    """Answers that were said to be remembered and are not, and adapters that cannot be used."""
    answered = {event.turn for event in read_recording(session).events if isinstance(event, Answered)}
    taught = [event for event in read_recording(session).events if isinstance(event, Remembered)]
    with Memory.open(place / "memory", read_only=True) as memory:
        known = {pair.id for pair in memory.pairs()}
    for event in taught:
        if event.turn in answered and event.pair not in known:
            yield f"turn {event.turn} is not remembered"
    store = AdapterStore(place / "adapters")
    yield from (problem for room in store.rooms() for problem in store.problems(room))


def still(folder: Path, word: str) -> list[str]:
    """Files that hold a word."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return [path.name for path in files if word.encode() in path.read_bytes()]


def noted(home: Path) -> list[dict[str, Any]]:
    """What commands said about themselves, and forgets it."""
    note = home / "note"
    lines = [json.loads(line) for line in note.read_text().splitlines()] if note.exists() else []
    note.unlink(missing_ok=True)
    return lines
