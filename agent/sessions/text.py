"""Sessions as lines for a terminal, safe from control characters."""

import json
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from agent.recording.record import Recording
from agent.sentences import read, sentence
from agent.sessions.redact import Choice, Redacted
from agent.sessions.sessions import Shelved, line_of, when
from agent.sessions.turns import RecordedTurn, turns_of
from core.events import Asked, Event
from core.text import strip_controls

_MOST_IDS = 20
_INDENT = " " * 5
_HEADER = ("name", "room", "began (UTC)", "turns", "taken over", "size")


def table(sessions: Sequence[Shelved]) -> Iterator[str]:
    """A line a session below a header; unreadable ones say why."""
    rows = [_HEADER, *(_cells(session) for session in sessions if session.line is not None)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER))]
    for row in rows if len(rows) > 1 else ():
        left = [cell.ljust(width) for cell, width in zip(row[:3], widths[:3], strict=True)]
        right = [cell.rjust(width) for cell, width in zip(row[3:], widths[3:], strict=True)]
        yield "  ".join([*left, *right])
    for session in sessions:
        if session.line is None:
            yield strip_controls(f"{session.name}: {session.problem}")


def _cells(session: Shelved) -> tuple[str, ...]:
    line = session.line
    assert line is not None
    began = line.began.replace("T", " ").removesuffix("+00:00")
    share = f"{line.taken_over:.0%}" if line.turns else "-"
    words = (strip_controls(text) for text in (session.name, line.room, began))
    return (*words, str(line.turns), share, megabytes(line.bytes))


def megabytes(count: int) -> str:
    return f"{count / 1e6:.1f} MB"


def transcript(name: str, recording: Recording) -> Iterator[str]:
    """What was said and what happened in a session, oldest first."""
    yield from map(strip_controls, _heading(name, recording))
    turns = {turn.turn: turn for turn in turns_of(recording.events)}
    last = {event.turn: event for event in recording.events if isinstance(event, Asked)}
    for event in recording.events:
        if isinstance(event, Asked):
            if last[event.turn] is event:  # asked again after a stop: what counts came last
                yield from _turn_lines(turns[event.turn])
        elif text := plain_sentence(event):
            yield f"{_INDENT}{strip_controls(text)}"
    if recording.cut_off:
        yield "The last line was cut off and is left out."


def _heading(name: str, recording: Recording) -> Iterator[str]:
    about, line = recording.about, line_of(name, recording)
    yield f"{name}: room {line.room}, {line.began or 'nothing happened'}, {megabytes(line.bytes)}"
    yield ", ".join(f"{part} {about.get(part, '?')}" for part in ("student", "expert", "warm_up"))
    yield f"{line.turns} turns, {line.taken_over:.0%} of them not answered by the expert"
    redacted = about.get("redacted")
    for redaction in redacted if isinstance(redacted, list) else ():
        if isinstance(redaction, dict) and isinstance(redaction.get("turns"), list):
            what = " and ".join(part for part in ("frames", "words") if redaction.get(part)) or "nothing"
            yield f"redacted: {what} of {_turns(redaction['turns'])}"


def _turn_lines(turn: RecordedTurn) -> tuple[str, str]:
    first = f"{turn.turn:3}. {strip_controls(turn.question)}"
    if turn.answer is None:
        return first, f"{_INDENT}(not answered)"
    answer = strip_controls(turn.answer) or "(no words)"
    facts = [
        f"{turn.confidence or 0:.2f} sure",
        f"{turn.latency_ms or 0:.0f} ms",
        strip_controls(turn.reason),
    ]
    facts += [] if turn.frame else ["frame redacted"]
    verdict = f"  {strip_controls(turn.verdict)}" if turn.verdict else ""
    return first, f"{_INDENT}{turn.by}: {answer}{verdict}  ({', '.join(fact for fact in facts if fact)})"


def plain_sentence(event: Event) -> str:
    """An event's line without markup; "" for one that has none."""
    return read(sentence(event)).plain


def what_stays(name: str, choice: Choice, redacted: Redacted, kept: Sequence[str]) -> Iterator[str]:
    """What redacting removed, and what it cannot have. `kept` are pairs that memory still has."""
    what = " and ".join(part for part, gone in (("frames", choice.frames), ("words", choice.words)) if gone)
    files = "1 file" if redacted.files == 1 else f"{redacted.files} files"
    yield f"{name}: {what} of {_turns(redacted.turns)} are gone; {files} deleted."
    if redacted.also:
        yield f"The same frames were shown in {_turns(redacted.also)}: they are gone there as well."
    yield "Times, sources, confidences and the verdicts' numbers stay."
    if kept:
        ids = " ".join(pair[:12] for pair in kept[:_MOST_IDS])
        more = f" and {len(kept) - _MOST_IDS} more (--json names all)" if len(kept) > _MOST_IDS else ""
        yield f"Memory still has {len(kept)} pairs from there, with frames and words. To forget them:"
        yield f"roomwise memory delete {ids}{more}"
    elif redacted.pairs and name.startswith("replays/"):
        yield f"What this replay learnt lies beside it and stays: roomwise sessions delete {name}"
    if redacted.learnt:
        yield "Adapters that were trained on it stay: roomwise adapters list"
    yield "Exports and copies made before are as they were."


def _turns(turns: Collection[object]) -> str:
    return f"turn{'' if len(turns) == 1 else 's'} {', '.join(map(str, turns)) or 'none'}"


def as_dict(name: str, folder: Path, recording: Recording) -> dict[str, Any]:
    line = vars(line_of(name, recording))
    about = json.loads(json.dumps(recording.about, default=str))
    turns = [
        {**vars(turn), "asked": when(turn.asked_at), "verdict": turn.verdict}
        for turn in turns_of(recording.events)
    ]
    return {**line, "folder": str(folder), "about": about, "cut_off": recording.cut_off, "of_turns": turns}
