"""What a replay needs of a session: the questions in order, the frame of each, the answers that are known.

Two kinds of folder are read: pictures with a `session.json` that lists `turns`, as `roomwise render session`
writes them and as anyone can; and a session recorded by the agent (`agent.recording.record`).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeGuard

import pydantic

from agent.recording.record import EVENTS, SESSION, Recording, is_redacted, read_recording
from agent.recording.rooms import rooms_of
from core.errors import InputError, QuestionError
from core.events import Answered, Asked, Compared, Event, Judged, SpeechHeard
from core.files import storage_errors
from core.text import check_question, room_name, strip_controls

Whose = Literal["truth", "expert"]
"""What a session's answers are: known to be right, or an expert's words."""


@dataclass(frozen=True)
class VisitTurn:
    """A question about a picture file. `answer` is what is known to be said to it, empty for nothing.

    `told` is what an expert said, where that is recorded beside the answer. `tag` says what a later question
    takes (`same-fact-words`, ...), `family` of what kind it is. `pause` is how many seconds went by
    before it was asked, None where nobody noted; `frame_age_ms` how old its frame was then. `audio` is the
    sound file of a question that was spoken. `seen` are pictures that the camera took before it. `room` is
    where it was asked, to score by alone, in a visit to several rooms.
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
    """A session to be replayed, in the room of this name. `answers`: see `Whose`. `depth` are the files of
    distances of pictures that have one.
    """

    room: str
    turns: tuple[VisitTurn, ...]
    answers: Whose = "expert"
    depth: Mapping[Path, Path] = field(default_factory=dict)

    @property
    def wanders(self) -> bool:
        """Whether it is in several rooms, so that the agent has to notice which."""
        return len({turn.room for turn in self.turns}) > 1


class _Turn(pydantic.BaseModel):
    frame: int = pydantic.Field(ge=0)
    question: str
    answer: str = ""
    tag: str = ""
    family: str = ""
    audio: str = ""
    seen: list[pydantic.NonNegativeInt] = []
    room: str = ""
    pause: float | None = pydantic.Field(default=None, ge=0, allow_inf_nan=False)


class _Folder(pydantic.BaseModel):
    room: str = ""
    answers: Whose = "expert"
    frames: list[str] = []
    depth: list[str] = []
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
        told.answers,
        {folder / frame: folder / depth for frame, depth in zip(told.frames, told.depth, strict=False)},
    )


def _frame(folder: Path, told: _Folder, number: int, place: str) -> Path:
    if told.frames and number >= len(told.frames):
        raise InputError(f"{place} names frame {number} of {len(told.frames)}. Correct it there.")
    return folder / (told.frames[number] if told.frames else f"frame-{number}.jpg")


def _plain_turn(folder: Path, told: _Folder, number: int) -> VisitTurn:
    turn, place = told.turns[number], f"Turn {number + 1} in {folder / SESSION}"
    frame, *seen = (_frame(folder, told, one, place) for one in (turn.frame, *turn.seen))
    audio = folder / turn.audio if turn.audio else None
    for path, what in ((frame, "frame"), *((one, "frame") for one in seen), (audio, "sound")):
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


def _recorded(recording: Recording) -> Visit:
    return Visit(room_name(str(recording.about.get("room", ""))), tuple(_recorded_turns(recording)))


def _recorded_turns(recording: Recording) -> Iterator[VisitTurn]:
    """The questions as they were asked; one asked twice, since the first try was cut short, counts once;
    one whose frame or words were taken out does not count.
    """
    found = {kind: _by_turn(recording, kind) for kind in (Asked, Answered, Judged)}
    compared = {event.turn: event.text for event in recording.events if _is_experts(event)}
    sounds, rooms = _sounds(recording.events), rooms_of(recording.events)
    before: float | None = None
    for turn, asked in sorted(found[Asked].items()):
        if is_redacted(asked):
            continue
        answered, judged = found[Answered].get(turn), found[Judged].get(turn)
        told = answered.text if answered and answered.by == "expert" else compared.get(turn, "")
        yield VisitTurn(
            recording.blob(asked.frame, ".jpg"), check_question(asked.question),
            judged.reference if judged else told, judged.tag if judged else "", told=told,
            pause=None if before is None else max(0.0, asked.at - before), frame_age_ms=asked.frame_age_ms,
            audio=recording.blob(sounds[turn], ".wav") if turn in sounds else None,
            room=(judged.room if judged else "") or rooms.asked.get(turn, ""),
        )  # fmt: skip
        before = answered.at if answered else None


def _sounds(events: Sequence[Event]) -> dict[int, str]:
    """The sound of each turn that was spoken: the last that was heard, in its words, before it was asked."""
    heard: dict[str, str] = {}
    found = {}
    for event in events:
        if isinstance(event, SpeechHeard) and event.audio:
            heard[event.text] = event.audio
        elif isinstance(event, Asked) and event.question in heard:
            found[event.turn] = heard.pop(event.question)
    return found


def _is_experts(event: Event) -> TypeGuard[Compared]:
    return isinstance(event, Compared) and event.method == "expert"


def _by_turn(recording: Recording, kind: type[Any]) -> dict[int, Any]:
    return {event.turn: event for event in recording.events if isinstance(event, kind)}


def _first(error: Exception) -> str:
    if isinstance(error, pydantic.ValidationError):
        found = error.errors(include_url=False)[0]
        return f"{'.'.join(map(str, found['loc'])) or 'it'}: {found['msg']}"
    return str(error)
