"""What a screen sees of a session and may wish for, be it in this process or another; nothing blocks."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

from typing_extensions import dataclass_transform

from core.errors import InputError
from core.events import Event, Source

Listening = Literal["none", "muted", "key", "open", "speech", "busy"]
"""The microphone's state: none, muted during an answer, waiting for a key, open, in use, transcribing."""


ExportFormat = Literal["zip", "mcap", "parquet"]
"""A recording to import elsewhere, for Foxglove and Rerun, or as a table."""


@dataclass(frozen=True)
class Pulse:
    """How things are, a few times a second. What the machine does not report is None. `frame` is the newest
    frame as a small JPEG, b"" when unchanged; `age_ms` is its age. `camera` and `microphone` are problems as
    sentences, "" for none. Shares of processor and GPU are in [0, 1] over all cores.
    """

    frame: bytes = b""
    age_ms: float | None = None
    frames_per_s: float = 0.0
    camera: str = ""
    microphone: str = ""
    listening: Listening = "none"
    recording: bool = True
    learning: bool = True
    attached: int = 0
    memory_bytes: int = 0
    processor: float = 0.0
    gpu: float | None = None
    watts: float | None = None
    celsius: float | None = None


@dataclass(frozen=True)
class Gone:
    """The session cannot be reached; it is tried again unless it has `ended`."""

    reason: str
    ended: bool = False


@dataclass(frozen=True)
class Back:
    """It can be reached, again or for the first time: all events so far, oldest first."""

    events: Sequence[Event]


@dataclass(frozen=True)
class Partial:
    """The answer to a turn so far. Turn 0: what a person is heard to say."""

    turn: int
    text: str


ConsoleMessage = Event | Pulse | Partial | Gone | Back
Hear = Callable[[ConsoleMessage], None]
"""Called on any thread; must return at once."""


@dataclass(frozen=True)
class Remembrance:
    """A pair as a line; `likeness` to the search words in [-1, 1], None without any."""

    pair: str
    room: str
    question: str
    answer: str
    frame: str
    source: str
    created: str
    likeness: float | None = None


@dataclass(frozen=True)
class AdapterLine:
    """A version of the room's adapter; `parent` is the number of the version it was trained upon."""

    number: int
    current: bool
    verdict: str
    created: str
    pairs: int
    parent: int | None = None
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class SessionLine:
    """A recorded session; `taken_over` is the share of answers that were not the expert's."""

    name: str
    room: str
    began: str
    turns: int
    taken_over: float
    bytes: int


@dataclass(frozen=True)
class Setting:
    """`name` is dotted; a secret's `value` is masked."""

    name: str
    value: str
    origin: str


@dataclass_transform(frozen_default=True)
class Wish:
    """Something a screen wants; every kind is a frozen dataclass. `reply` is the type of what comes back."""

    reply: ClassVar[Any]

    def __init_subclass__(cls, *, reply: Any = None) -> None:
        super().__init_subclass__()
        cls.reply = reply
        dataclass(frozen=True)(cls)


class Ask(Wish, reply=int):
    """Answer a question about the newest frame, by `wished` if given. Reply: the number of the turn."""

    question: str
    wished: Source | None = None


class Talk(Wish):
    """The key for talking was pressed or released."""

    pressed: bool


class Correct(Wish):
    """Correct the answer to a turn."""

    turn: int
    answer: str


class Revise(Wish):
    """Change the answer of a remembered pair, or delete it."""

    pair: str
    answer: str | None


class Pause(Wish):
    """Pause or resume learning."""

    paused: bool


class Record(Wish):
    """Start or stop recording."""

    recording: bool


class Choose(Wish):
    """Activate a version of this room's adapter; None: the one before."""

    number: int | None


class Find(Wish, reply=list[Remembrance]):
    """Search what is remembered, newest first or likest to `words` first. Reply: a list of `Remembrance`."""

    words: str = ""
    most: int = 200


class Picture(Wish, reply=bytes):
    """A frame by its SHA-256. Reply: the bytes of its JPEG."""

    frame: str


class Overlay(Wish, reply=bytes):
    """The attention map of a turn's answer. Reply: a JPEG with the map drawn over the frame."""

    turn: int


class Versions(Wish, reply=list[AdapterLine]):
    """This room's adapters, newest first. Reply: a list of `AdapterLine`."""


class Sessions(Wish, reply=list[SessionLine]):
    """Recorded sessions, newest first. Reply: a list of `SessionLine`."""


class Export(Wish, reply=str):
    """Export a recorded session to one file. Reply: its path on the agent's machine."""

    session: str
    format: ExportFormat = "zip"


class Settings(Wish, reply=list[Setting]):
    """The settings and their origins. Reply: a list of `Setting`."""


class Console(Protocol):
    """A session behind a screen. A wish's future may raise any RoomwiseError."""

    def listen(self, hear: Hear) -> Callable[[], None]:
        """Get messages from now on, beginning with `Back` or `Gone`. Calling the result stops it."""

    def put(self, wish: Wish) -> "Future[Any]":
        """Make a wish. Never blocks."""


OVER = "The session is over. Begin another: roomwise run"


def follow_up(
    future: "Future[Any]", reply: "Future[Any]", change: Callable[[Any], Any] | None = lambda value: value
) -> None:
    """Settle a reply as a future ends, its value changed; without `change` only if it fails."""

    def done(ended: "Future[Any]") -> None:
        if ended.cancelled():
            settle(reply, error=InputError(OVER))
        elif ended.exception() is not None:
            settle(reply, error=ended.exception())
        elif change is not None:
            settle(reply, change(ended.result()))

    future.add_done_callback(done)


def settle(reply: "Future[Any]", value: Any = None, error: BaseException | None = None) -> None:
    """End a future, unless it has ended."""
    with suppress(InvalidStateError):
        if error is None:
            reply.set_result(value)
        else:
            reply.set_exception(error)
