"""Takes frames and words out of a recording for good, while it stays a recording.

Everything about a chosen turn loses its texts, except fields known to hold nobody's words; unknown kinds
of events are treated alike. Unreferenced files are deleted. What is to go is written down first, so that the
next start, or the next redaction, finishes what a power cut left.
"""

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from agent.recording.record import BLOBS, EVENTS, REDACTED, SESSION, Recording, read_recording
from agent.sessions.archive import whole_lines
from core.errors import InputError, RoomwiseError, StorageError
from core.event_lines import KINDS
from core.events import Asked
from core.files import atomic_write_bytes, atomic_write_text, storage_errors, sweep
from core.parts import held
from core.untrusted import read_as

_NOT_WORDS = frozenset("event turn frame pair by to method tag adapter job reason room before kind".split())
_CHOICE = "redacting.json"
Line = dict[str, Any]


@dataclass(frozen=True)
class Choice:
    """What goes: frames, words or both; of these turns, or of all (None)."""

    turns: frozenset[int] | None
    frames: bool
    words: bool

    def covers(self, turn: object) -> bool:
        return self.turns is None or turn in self.turns


@dataclass(frozen=True)
class Redacted:
    """What was removed. `also`: other turns that showed one of the frames. `files`: deleted frames and
    sounds; `pairs`: what memory got from these turns; `learnt`: adapters were trained.
    """

    turns: tuple[int, ...]
    also: tuple[int, ...]
    files: int
    pairs: tuple[str, ...]
    learnt: bool


def redact(folder: Path, choice: Choice) -> Redacted:
    """Take what is chosen out of a recording; for the holder of `agent.sessions.sessions.hold_session`.
    Raises InputError for an unknown turn or no session; StorageError.
    """
    if _noted(folder) != choice:
        end_redaction(folder)
    recording = read_recording(folder)
    questions = [event for event in recording.events if isinstance(event, Asked)]
    turns = _chosen_turns(questions, choice)
    with _written_down(folder, choice):
        return _take_out(recording, choice, questions, turns)


def end_redaction(folder: Path) -> None:
    """Finish a redaction of this session that was cut short, if nobody is at it. Raises as `redact` does."""
    choice, note = _noted(folder), folder / _CHOICE
    if choice is None:
        return
    with held(note) as free:
        if free:
            recording = read_recording(folder)
            questions = [event for event in recording.events if isinstance(event, Asked)]
            _take_out(recording, choice, questions, _chosen_turns(questions, choice))
            note.unlink()


def end_redactions(state: Path) -> None:
    """The same for all sessions of a state that this process holds; what cannot be finished stays."""
    for note in cut_short(state):
        with suppress(RoomwiseError):
            end_redaction(note.parent)


def cut_short(state: Path) -> list[Path]:
    """What redactions that were cut short, or go on, wrote down."""
    return sorted((*state.glob(f"sessions/*/{_CHOICE}"), *state.glob(f"replays/*/session/{_CHOICE}")))


def _noted(folder: Path) -> Choice | None:
    if not (folder / _CHOICE).exists():
        return None
    noted: Choice = read_as(folder / _CHOICE, Choice, StorageError, "Delete it, and redact again.")
    return noted


@contextmanager
def _written_down(folder: Path, choice: Choice) -> Iterator[None]:
    note = folder / _CHOICE
    turns = None if choice.turns is None else sorted(choice.turns)
    atomic_write_text(note, json.dumps({**asdict(choice), "turns": turns}) + "\n")
    with held(note):
        yield
        note.unlink()


def _take_out(
    recording: Recording, choice: Choice, questions: Sequence[Asked], turns: tuple[int, ...]
) -> Redacted:
    """May be repeated."""
    folder = recording.folder
    lines = [json.loads(line) for line in whole_lines(folder).split(b"\n")[:-1]]
    frames = frozenset(event.frame for event in questions if event.turn in turns and event.frame)
    redacted = list(without(lines, choice, frames if choice.frames else frozenset()))
    # What is gone is still spoken of until the log is replaced, so that a second try finds what a kill left.
    files = _delete_strays(folder, redacted)
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in redacted)
    atomic_write_bytes(folder / EVENTS, text.encode(errors="replace"))
    entry = {"at": time.time(), "turns": list(turns), "frames": choice.frames, "words": choice.words}
    earlier = recording.about.get("redacted", [])
    about = recording.about | {"redacted": [*(earlier if isinstance(earlier, list) else ()), entry]}
    atomic_write_text(folder / SESSION, json.dumps(about, indent=1) + "\n")
    touched = {event.turn for event in questions if choice.frames and event.frame in frames}
    return Redacted(
        turns=turns,
        also=tuple(sorted(touched - set(turns))),
        files=files,
        pairs=tuple(sorted(_pairs(lines, choice))),
        learnt=any(line.get("event") == "AdaptationEnded" and line.get("promoted") for line in lines),
    )


def without(lines: Iterable[Line], choice: Choice, frames: frozenset[str]) -> Iterator[Line]:
    """The events without what is chosen; `frames` are the hashes of frames that go."""
    listed = list(lines)
    pairs = _pairs(listed, choice)
    for line, about in zip(listed, _neighbours(listed), strict=True):
        if choice.words and _speaks_of(line, choice, pairs, about):
            line = {name: value if name in _NOT_WORDS else _blank(value) for name, value in line.items()}
        yield {
            name: "" if isinstance(value, str) and value in frames else value for name, value in line.items()
        }


def _chosen_turns(questions: Sequence[Asked], choice: Choice) -> tuple[int, ...]:
    turns = sorted({event.turn for event in questions})
    missing = sorted((choice.turns or frozenset()) - set(turns))
    if missing:
        last = f"The last one is {turns[-1]}." if turns else "Nothing was asked in it."
        raise InputError(f"There is no turn {missing[0]} in this session. {last} See: roomwise sessions show")
    return tuple(turn for turn in turns if choice.covers(turn))


def _neighbours(lines: Sequence[Line]) -> list[tuple[object, object]]:
    """For each event the turns asked before and after: it may be about either."""
    before = list(accumulate((_asked_turn(line) for line in lines), _last_known))
    after = list(accumulate((_asked_turn(line) for line in reversed(lines)), _last_known))
    return list(zip(before, reversed(after), strict=True))


def _asked_turn(line: Line) -> object:
    return line.get("turn") if line.get("event") == "Asked" else None


def _last_known(last: object, turn: object) -> object:
    return last if turn is None else turn


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
    """Ids of the pairs from the chosen turns, including the agent's own questions."""
    ids: set[str] = set()
    for line in lines:
        if "turn" in line and choice.covers(line["turn"]):
            ids |= {line["pair"]} if line.get("pair") else set()
            ids |= set(line.get("pairs") or ()) if line.get("event") == "Inquired" else set()
    return frozenset(ids)


def _blank(value: Any) -> Any:
    """The value with every text replaced; empty ones stay, as they may mean something."""
    if isinstance(value, str):
        return REDACTED if value else ""
    if isinstance(value, list):
        return [_blank(inner) for inner in value]
    if isinstance(value, dict):
        return {name: _blank(inner) for name, inner in value.items()}
    return value


def _delete_strays(folder: Path, lines: Iterable[Line]) -> int:
    """Delete unreferenced and half-written files; returns how many frames and sounds."""
    sweep(folder)
    kept = {value for line in lines for value in line.values() if isinstance(value, str) and value}
    gone = [path for path in (folder / BLOBS).glob("*") if path.name.split(".")[0] not in kept]
    for path in gone:
        with storage_errors("delete", path):
            path.unlink(missing_ok=True)
    return len(gone)
