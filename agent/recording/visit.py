"""What a replay needs of a session: the questions in order, their frames, the known answers.

Two kinds of folders are read: pictures with a `session.json` that lists `turns` (`roomwise render session`
writes such), and sessions recorded by the agent.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pydantic

from agent.recording.record import (
    EVENTS,
    SESSION,
    Recording,
    is_redacted,
    pause_between,
    read_recording,
)
from agent.recording.rooms import rooms_of
from core.errors import InputError, QuestionError
from core.events import Answered, Asked, Compared, Event, Judged, SpeechHeard
from core.text import check_question, room_name, strip_controls
from core.untrusted import FileName, read_as

Whose = Literal["truth", "expert"]
"""What a session's answers are: known to be right, or an expert's words."""
DEMO = Path(__file__).parent / "demo" / "session"
"""The demo session, in one room."""
TWO_ROOMS = "two-rooms"
"""The name of a demo in two rooms, beside the other."""


@dataclass(frozen=True)
class VisitTurn:
    """A question about a picture file. `answer` is the known one, "" for none; `told` what an expert said.
    `tag` says what a later question takes (`same-fact-words`, ...), `family` its kind. `pause`: seconds
    before it was asked, None if unknown; `frame_age_ms`: its frame's age then. `audio` is a spoken question's
    file. `seen` are pictures taken before it. `room` is where it was asked, used for scoring only.
    """

    frame: Path
    question: str
    answer: str = ""
    tag: str = ""
    family: str = ""
    told: str = ""
    pause: float | None = None
    frame_age_ms: float = 0.0
    audio: Path | None = None
    seen: tuple[Path, ...] = ()
    room: str = ""


@dataclass(frozen=True)
class Visit:
    """A session to replay, in the room of this name. `answers`: see `Whose`. `depth` maps pictures to
    depth files.
    """

    room: str
    turns: tuple[VisitTurn, ...]
    answers: Whose = "expert"
    depth: Mapping[Path, Path] = field(default_factory=dict)

    @property
    def wanders(self) -> bool:
        """Whether it visits several rooms, which the agent has to notice."""
        return len({turn.room for turn in self.turns}) > 1


class _Turn(pydantic.BaseModel):
    frame: int = pydantic.Field(ge=0)
    question: str
    answer: str = ""
    tag: str = ""
    family: str = ""
    audio: FileName = ""
    seen: list[pydantic.NonNegativeInt] = []
    room: str = ""
    pause: float | None = pydantic.Field(default=None, ge=0, allow_inf_nan=False)


class _Folder(pydantic.BaseModel):
    room: str = ""
    answers: Whose = "expert"
    frames: list[FileName] = []
    depth: list[FileName] = []
    turns: list[_Turn] = pydantic.Field(min_length=1)


def read_visit(folder: Path) -> Visit:
    """The session in a folder. Raises InputError when it is missing, damaged, or has no questions."""
    if not folder.is_dir():
        raise InputError(f"There is no session folder at {folder}. Check the path.")
    if (folder / EVENTS).exists():
        recording = read_recording(folder)
        visit = Visit(room_name(str(recording.about.get("room", ""))), tuple(_recorded_turns(recording)))
    else:
        visit = _read_plain(folder)
    if not visit.turns:
        raise InputError(f"No question was asked in {folder}. Choose another session.")
    return visit


def _read_plain(folder: Path) -> Visit:
    path = folder / SESSION
    if not path.is_file():
        raise InputError(f"{folder} is not a session: it has no {SESSION}. Check the path.")
    session: _Folder = read_as(path, _Folder, InputError, "Correct it there.")
    return Visit(
        room_name(session.room or folder.resolve().name),
        tuple(_plain_turn(folder, session, number) for number in range(len(session.turns))),
        session.answers,
        {folder / frame: folder / depth for frame, depth in zip(session.frames, session.depth, strict=False)},
    )


def _frame(folder: Path, session: _Folder, number: int, place: str) -> Path:
    if session.frames and number >= len(session.frames):
        raise InputError(f"{place} names frame {number} of {len(session.frames)}. Correct it there.")
    return folder / (session.frames[number] if session.frames else f"frame-{number}.jpg")


def _plain_turn(folder: Path, session: _Folder, number: int) -> VisitTurn:
    turn, place = session.turns[number], f"Turn {number + 1} in {folder / SESSION}"
    frame, *seen = (_frame(folder, session, index, place) for index in (turn.frame, *turn.seen))
    audio = folder / turn.audio if turn.audio else None
    for path, what in (*((path, "frame") for path in (frame, *seen)), (audio, "sound")):
        if path is not None and folder.resolve() not in path.resolve().parents:
            raise InputError(f"{place} names a {what} outside its folder. Correct it there.")
    try:
        question = check_question(turn.question)
    except QuestionError as error:
        raise InputError(f"{place} cannot be asked. {error}") from error
    answer = strip_controls(turn.answer)
    return VisitTurn(
        frame, question, answer, turn.tag, turn.family, pause=turn.pause, audio=audio, seen=tuple(seen),
        room=turn.room,
    )  # fmt: skip


def _recorded_turns(recording: Recording) -> Iterator[VisitTurn]:
    """The questions as asked; repeated ones count once, redacted ones do not count."""
    by_turn: dict[type, dict[int, Any]] = {Asked: {}, Answered: {}, Judged: {}}
    for event in recording.events:
        if isinstance(event, Asked | Answered | Judged):
            by_turn[type(event)][event.turn] = event
    compared = {
        event.turn: event.text
        for event in recording.events
        if isinstance(event, Compared) and event.method == "expert"
    }
    sounds, rooms = _sounds(recording.events), rooms_of(recording.events)
    answered_at: float | None = None
    for turn, asked in sorted(by_turn[Asked].items()):
        if is_redacted(asked):
            continue
        answered, judged = by_turn[Answered].get(turn), by_turn[Judged].get(turn)
        expert_answer = answered.text if answered and answered.by == "expert" else compared.get(turn, "")
        yield VisitTurn(
            recording.blob(asked.frame, ".jpg"), check_question(asked.question),
            judged.reference if judged else expert_answer, judged.tag if judged else "", told=expert_answer,
            pause=None if answered_at is None else pause_between(answered_at, asked.at),
            frame_age_ms=asked.frame_age_ms,
            audio=recording.blob(sounds[turn], ".wav") if turn in sounds else None,
            room=(judged.room if judged else "") or rooms.asked.get(turn, ""),
        )  # fmt: skip
        answered_at = answered.at if answered else None


def _sounds(events: Sequence[Event]) -> dict[int, str]:
    """The sound of each spoken turn: the last one with its words before it was asked."""
    audio_of: dict[str, str] = {}
    sounds = {}
    for event in events:
        if isinstance(event, SpeechHeard) and event.audio:
            audio_of[event.text] = event.audio
        elif isinstance(event, Asked) and event.question in audio_of:
            sounds[event.turn] = audio_of.pop(event.question)
    return sounds
