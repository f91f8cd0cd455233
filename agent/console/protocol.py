"""What a screen sees of a session and can want of it, be the session in this process or in another.

A screen hears events, which are all that happened, and pulses, which are how things are at the moment. What
it wants it says as a value, and gets a future: nothing here blocks, so that a screen always answers its keys.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from core.events import Event, Source

Listening = Literal["none", "muted", "key", "open", "speech", "busy"]
"""What the microphone does: there is none, it is muted while an answer is spoken, it waits for a key, it is
open, somebody speaks, or what was said is being made out."""


ExportFormat = Literal["zip", "mcap", "parquet"]
"""What a recording is written as: to import elsewhere, for Foxglove and Rerun, for tables."""


@dataclass(frozen=True)
class Pulse:
    """How things are, a few times a second. What a machine does not tell is None.

    `frame` is the JPEG of the newest frame, made small, or empty when it is the same as before; `age_ms` is
    how old that frame is now, None without one. `camera` and `microphone` are sentences for people, empty
    while all is well. Shares of the processor and the GPU are in [0, 1], of all cores together.
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
    """The session cannot be reached; another attempt is made by itself unless it has `ended`."""

    reason: str
    ended: bool = False


@dataclass(frozen=True)
class Back:
    """It can be reached again, or for the first time: all events so far, oldest first."""

    events: Sequence[Event]


@dataclass(frozen=True)
class Partial:
    """What is said to a turn as far as it is made. Turn 0: what a person is heard to say."""

    turn: int
    text: str


ConsoleMessage = Event | Pulse | Partial | Gone | Back
Hear = Callable[[ConsoleMessage], None]
"""Called on any thread; must return at once."""


@dataclass(frozen=True)
class Ask:
    """Answer a question about the newest frame, by whom is wished if any. Reply: the number of the turn."""

    question: str
    wished: Source | None = None


@dataclass(frozen=True)
class Talk:
    """The key for talking was pressed, or let go of. Reply: None."""

    pressed: bool


@dataclass(frozen=True)
class Correct:
    """The answer to a turn was wrong, and this is the right one. Reply: None."""

    turn: int
    answer: str


@dataclass(frozen=True)
class Revise:
    """A remembered pair gets another answer, or is forgotten. Reply: None."""

    pair: str
    answer: str | None


@dataclass(frozen=True)
class Pause:
    """Learning is to wait, or to go on. Reply: None."""

    paused: bool


@dataclass(frozen=True)
class Record:
    """What happens from now on is recorded, or is not. Reply: None."""

    recording: bool


@dataclass(frozen=True)
class Choose:
    """Let a version of this room's adapter answer; None: the one before. Reply: None."""

    number: int | None


@dataclass(frozen=True)
class Find:
    """What is remembered, newest first, or likest to these words first. Reply: a list of `Remembrance`."""

    words: str = ""
    most: int = 200


@dataclass(frozen=True)
class Picture:
    """A frame by its SHA-256. Reply: the bytes of its JPEG."""

    frame: str


@dataclass(frozen=True)
class Overlay:
    """Where the answer to a turn was looked for. Reply: a JPEG with the map drawn over the frame."""

    turn: int


@dataclass(frozen=True)
class Versions:
    """This room's adapters, newest first. Reply: a list of `AdapterLine`."""


@dataclass(frozen=True)
class Sessions:
    """Recorded sessions, newest first. Reply: a list of `SessionLine`."""


@dataclass(frozen=True)
class Export:
    """A recorded session as one file. Reply: where that is, on the agent's machine."""

    session: str
    format: ExportFormat = "zip"


@dataclass(frozen=True)
class Settings:
    """What is set, and where that comes from. Reply: a list of `Setting`."""


Wish = (
    Ask | Talk | Correct | Revise | Pause | Record | Choose | Find | Picture | Overlay | Versions | Sessions
    | Export | Settings
)  # fmt: skip


@dataclass(frozen=True)
class Remembrance:
    """A pair as a line; `likeness` in [-1, 1] to the words that were searched, None when none were."""

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
    """A version of the room's adapter; `parent` is the number of what it was trained upon, if anything."""

    number: int
    current: bool
    verdict: str
    created: str
    pairs: int
    parent: int | None = None
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class SessionLine:
    """A recorded session; `taken_over` is the share of its answers that were not the expert's."""

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


class Console(Protocol):
    """A session that a screen is put before. A wish's future may raise any RoomwiseError."""

    def listen(self, hear: Hear) -> Callable[[], None]:
        """Hear from now on; the first to come is `Back` or `Gone`. What is returned ends it."""
        ...

    def put(self, wish: Wish) -> "Future[Any]":
        """Want something. Never blocks."""
        ...
