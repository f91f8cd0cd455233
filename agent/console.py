"""What a screen sees of a session and may wish for, be it in this process or another; nothing blocks."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

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
class Ask:
    """Answer a question about the newest frame, by `wished` if given. Reply: the number of the turn."""

    question: str
    wished: Source | None = None


@dataclass(frozen=True)
class Talk:
    """The key for talking was pressed or released. Reply: None."""

    pressed: bool


@dataclass(frozen=True)
class Correct:
    """Correct the answer to a turn. Reply: None."""

    turn: int
    answer: str


@dataclass(frozen=True)
class Revise:
    """Change the answer of a remembered pair, or delete it. Reply: None."""

    pair: str
    answer: str | None


@dataclass(frozen=True)
class Pause:
    """Pause or resume learning. Reply: None."""

    paused: bool


@dataclass(frozen=True)
class Record:
    """Start or stop recording. Reply: None."""

    recording: bool


@dataclass(frozen=True)
class Choose:
    """Activate a version of this room's adapter; None: the one before. Reply: None."""

    number: int | None


@dataclass(frozen=True)
class Find:
    """Search what is remembered, newest first or likest to `words` first. Reply: a list of `Remembrance`."""

    words: str = ""
    most: int = 200


@dataclass(frozen=True)
class Picture:
    """A frame by its SHA-256. Reply: the bytes of its JPEG."""

    frame: str


@dataclass(frozen=True)
class Overlay:
    """The attention map of a turn's answer. Reply: a JPEG with the map drawn over the frame."""

    turn: int


@dataclass(frozen=True)
class Versions:
    """This room's adapters, newest first. Reply: a list of `AdapterLine`."""


@dataclass(frozen=True)
class Sessions:
    """Recorded sessions, newest first. Reply: a list of `SessionLine`."""


@dataclass(frozen=True)
class Export:
    """Export a recorded session to one file. Reply: its path on the agent's machine."""

    session: str
    format: ExportFormat = "zip"


@dataclass(frozen=True)
class Settings:
    """The settings and their origins. Reply: a list of `Setting`."""


Wish = (
    Ask | Talk | Correct | Revise | Pause | Record | Choose | Find | Picture | Overlay | Versions | Sessions
    | Export | Settings
)  # fmt: skip


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


class Console(Protocol):
    """A session behind a screen. A wish's future may raise any RoomwiseError."""

    def listen(self, hear: Hear) -> Callable[[], None]:
        """Get messages from now on, beginning with `Back` or `Gone`. Calling the result stops it."""

    def put(self, wish: Wish) -> "Future[Any]":
        """Make a wish. Never blocks."""
