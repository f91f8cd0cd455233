"""Taking frames and words out of a recording for good, while it stays a recording.

Whatever says something about a chosen turn loses its texts, but for those that are known to hold nobody's
words: a kind of event that this version does not know is treated alike. Files that no event speaks of any
more are deleted. Run again after a power cut, it ends what it had begun.
"""

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from agent.recording.record import BLOBS, EVENTS, REDACTED, SESSION, read_recording
from agent.sessions.archive import whole_lines
from core.errors import InputError
from core.event_lines import KINDS
from core.events import Asked
from core.files import atomic_write_bytes, atomic_write_text, storage_errors, sweep

_NOT_WORDS = frozenset({
    "event",
    "turn",
    "frame",
    "pair",
    "by",
    "to",
    "method",
    "tag",
    "adapter",
    "job",
    "reason",
    "room",
    "before",
    "kind",
})
Line = dict[str, Any]


@dataclass(frozen=True)
class Choice:
    """What is to go: frames, words or both, of some turns; `turns` None: of all."""

    turns: frozenset[int] | None
    frames: bool
    words: bool

    def covers(self, turn: object) -> bool:
        """Whether a turn is among them."""
        return self.turns is None or turn in self.turns


@dataclass(frozen=True)
class Redacted:
    """What went and what it touched. `also`: turns not chosen that showed one of the frames.

    `files` is how many frames and sounds were deleted; `pairs` what memory was given from these turns;
    `learnt`: adapters were trained while the session ran.
    """

    turns: tuple[int, ...]
    also: tuple[int, ...]
    files: int
    pairs: tuple[str, ...]
    learnt: bool


def redact(folder: Path, choice: Choice) -> Redacted:
    """Take what is chosen out of a recording. For who holds it (`agent.sessions.sessions.held`).

    Raises InputError when there is no such turn or it is no session; StorageError.
    """
    recording = read_recording(folder)
    asked = [event for event in recording.events if isinstance(event, Asked)]
    turns = _chosen(asked, choice)
    lines = [json.loads(line) for line in whole_lines(folder).splitlines()]
    frames = frozenset(event.frame for event in asked if event.turn in turns and event.frame)
    left = list(without(lines, choice, frames if choice.frames else frozenset()))
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in left)
    atomic_write_bytes(folder / EVENTS, text.encode())
    done = {"at": time.time(), "turns": list(turns), "frames": choice.frames, "words": choice.words}
    about = recording.about | {"redacted": [*_before(recording.about), done]}
    atomic_write_text(folder / SESSION, json.dumps(about, indent=1) + "\n")
    touched = {event.turn for event in asked if choice.frames and event.frame in frames}
    return Redacted(
        turns=turns,
        also=tuple(sorted(touched - set(turns))),
        files=_delete_strays(folder, left),
        pairs=tuple(sorted(_pairs(lines, choice))),
        learnt=any(line.get("event") == "AdaptationEnded" and line.get("promoted") for line in lines),
    )


def without(lines: Iterable[Line], choice: Choice, frames: frozenset[str]) -> Iterator[Line]:
    """The events without what is chosen; `frames` are the SHA-256 of those that go."""
    listed = list(lines)
    pairs = _pairs(listed, choice)
    for line, about in zip(listed, _between(listed), strict=True):
        if choice.words and _speaks_of(line, choice, pairs, about):
            line = _wordless(line)
        yield {name: _frameless(value, frames) for name, value in line.items()}


def _chosen(asked: Sequence[Asked], choice: Choice) -> tuple[int, ...]:
    there = sorted({event.turn for event in asked})
    missing = sorted((choice.turns or frozenset()) - set(there))
    if missing:
        last = f"The last one is {there[-1]}." if there else "Nothing was asked in it."
        raise InputError(f"There is no turn {missing[0]} in this session. {last} See: roomwise sessions show")
    return tuple(turn for turn in there if choice.covers(turn))


def _before(about: Mapping[str, Any]) -> list[Any]:
    before = about.get("redacted", [])
    return before if isinstance(before, list) else []


def _between(lines: Sequence[Line]) -> list[tuple[object, object]]:
    """For each event the turn that was asked last and the one that was asked next: what was heard between
    them may be about either.
    """
    before = list(accumulate((_asked(line) for line in lines), _later))
    after = list(accumulate((_asked(line) for line in reversed(lines)), _later))
    return list(zip(before, reversed(after), strict=True))


def _asked(line: Line) -> object:
    return line.get("turn") if line.get("event") == "Asked" else None


def _later(known: object, turn: object) -> object:
    return known if turn is None else turn


def _speaks_of(line: Line, choice: Choice, pairs: frozenset[str], about: tuple[object, object]) -> bool:
    """Whether an event may hold words of a chosen turn."""
    kind = KINDS.get(str(line.get("event")))
    if kind is not None and kind.about == "session":
        return False
    if "turn" in line:
        return choice.covers(line["turn"])
    if "pair" in line:
        return choice.turns is None or line["pair"] in pairs
    return any(choice.covers(turn) for turn in about)


def _pairs(lines: Iterable[Line], choice: Choice) -> frozenset[str]:
    """Ids of the pairs that came from the chosen turns, the agent's own questions among them."""
    found: set[str] = set()
    for line in lines:
        if "turn" in line and choice.covers(line["turn"]):
            found |= {line["pair"]} if line.get("pair") else set()
            found |= set(line.get("pairs") or ()) if line.get("event") == "Inquired" else set()
    return frozenset(found)


def _wordless(line: Line) -> Line:
    return {name: value if name in _NOT_WORDS else _blank(value) for name, value in line.items()}


def _blank(value: Any) -> Any:
    """The value with every text in it replaced; an empty one says nothing, and may mean something."""
    if isinstance(value, str):
        return REDACTED if value else ""
    if isinstance(value, list):
        return [_blank(inner) for inner in value]
    if isinstance(value, dict):
        return {name: _blank(inner) for name, inner in value.items()}
    return value


def _frameless(value: Any, frames: frozenset[str]) -> Any:
    return "" if isinstance(value, str) and value in frames else value


def _delete_strays(folder: Path, lines: Iterable[Line]) -> int:
    """Delete what no event speaks of, and what a writer that was killed left; how many frames and sounds."""
    sweep(folder)
    sweep(folder / BLOBS)
    kept = {value for line in lines for value in line.values() if isinstance(value, str) and value}
    gone = [path for path in (folder / BLOBS).glob("*") if path.name.split(".")[0] not in kept]
    for path in gone:
        with storage_errors("delete", path):
            path.unlink()
    return len(gone)
