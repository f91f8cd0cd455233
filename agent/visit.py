"""What a replay needs of a session: the questions in order, the frame of each, the answers that are known.

Two kinds of folder are read: pictures with a `session.json` that lists `turns`, as `roomwise render session`
writes them and as anyone can; and a session recorded by the agent (`agent.record`).
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pydantic

from agent.record import EVENTS, SESSION, Recording, read_recording
from core.errors import InputError, QuestionError
from core.events import Answered, Asked, Judged
from core.files import storage_errors
from core.text import check_question, room_name, strip_controls


@dataclass(frozen=True)
class VisitTurn:
    """A question about a picture file. `answer` is what is known to be said to it, empty for nothing.

    `tag` says what a later question takes (`same-fact-words`, ...), `family` of what kind it is.
    """

    frame: Path
    question: str
    answer: str = ""
    tag: str = ""
    family: str = ""


@dataclass(frozen=True)
class Visit:
    """A session to be replayed, in the room of this name."""

    room: str
    turns: tuple[VisitTurn, ...]


class _Turn(pydantic.BaseModel):
    frame: int = pydantic.Field(ge=0)
    question: str
    answer: str = ""
    tag: str = ""
    family: str = ""


class _Folder(pydantic.BaseModel):
    room: str = ""
    frames: list[str] = []
    turns: list[_Turn] = pydantic.Field(min_length=1)


def read_visit(folder: Path) -> Visit:
    """The session in a folder. Raises InputError when it is missing, damaged, or has no questions."""
    if not folder.is_dir():
        raise InputError(f"There is no session folder at {folder}. Check the path.")
    recorded = (folder / EVENTS).exists()
    visit = _recorded(read_recording(folder)) if recorded else _plain(folder)
    if not visit.turns:
        raise InputError(f"No question was asked in {folder}. Choose another session.")
    return visit


def _plain(folder: Path) -> Visit:
    path = folder / SESSION
    if not path.is_file():
        raise InputError(f"{folder} is not a session: it has no {SESSION}. Check the path.")
    with storage_errors("read", path):
        data = path.read_bytes()
    try:
        told = _Folder.model_validate(json.loads(data))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not a session: {_first(error)}. Correct it there.") from error
    return Visit(
        room_name(told.room or folder.resolve().name),
        tuple(_plain_turn(folder, told, number) for number in range(len(told.turns))),
    )


def _plain_turn(folder: Path, told: _Folder, number: int) -> VisitTurn:
    turn, place = told.turns[number], f"Turn {number + 1} in {folder / SESSION}"
    if told.frames and turn.frame >= len(told.frames):
        raise InputError(f"{place} names frame {turn.frame} of {len(told.frames)}. Correct it there.")
    frame = folder / (told.frames[turn.frame] if told.frames else f"frame-{turn.frame}.jpg")
    if folder.resolve() not in frame.resolve().parents:
        raise InputError(f"{place} names a frame outside its folder. Correct it there.")
    try:
        question = check_question(turn.question)
    except QuestionError as error:
        raise InputError(f"{place} cannot be asked. {error}") from error
    return VisitTurn(frame, question, strip_controls(turn.answer), turn.tag, turn.family)


def _recorded(recording: Recording) -> Visit:
    return Visit(room_name(str(recording.about.get("room", ""))), tuple(_recorded_turns(recording)))


def _recorded_turns(recording: Recording) -> Iterator[VisitTurn]:
    known = {
        event.turn: event.text
        for event in recording.events
        if isinstance(event, Answered) and event.by == "expert"
    }
    known |= {event.turn: event.reference for event in recording.events if isinstance(event, Judged)}
    for event in recording.events:
        if isinstance(event, Asked):
            frame = recording.blob(event.frame, ".jpg")
            yield VisitTurn(frame, check_question(event.question), known.get(event.turn, ""))


def _first(error: Exception) -> str:
    if isinstance(error, pydantic.ValidationError):
        found = error.errors(include_url=False)[0]
        return f"{'.'.join(map(str, found['loc'])) or 'it'}: {found['msg']}"
    return str(error)
