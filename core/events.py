"""What happens in a session, as frozen values. Log, screen, report and replay all read this one stream.

Fields may be added with a default, never renamed; `core.event_lines` writes and reads them. Where a number is
`int | float` it comes back spelled as it was.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

Source = Literal["memory", "student", "expert"]
"""Who can answer a question."""

Change = Literal["view", "room"]
"""What a camera can see that is new."""


About = Literal["session", "turn", "pair", "talk"]
"""The session as a whole, in our own words; the turn or pair that is named; what was said at some turn."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened; `at` is seconds since 1970, UTC. `private`: it tells somebody's words."""

    at: float
    about: ClassVar[About]
    private: ClassVar[bool]

    def __init_subclass__(cls, *, about: About, private: bool) -> None:
        super().__init_subclass__()
        cls.about, cls.private = about, private


@dataclass(frozen=True, kw_only=True)
class SessionStarted(Event, about="session", private=False):
    """A visit began. `warm_up` is how many questions the expert answers first."""

    session: str
    room: str
    student: str
    expert: str
    warm_up: int
    seed: int


@dataclass(frozen=True, kw_only=True)
class Resumed(Event, about="session", private=False):
    """A session that had stopped goes on; `turn` is the first question that had no answer yet.

    That question may have been asked before: what counts of a turn is what came last.
    """

    turn: int


@dataclass(frozen=True, kw_only=True)
class Asked(Event, about="turn", private=True):
    """A question about a frame: the SHA-256 of its JPEG, and how old it was at that moment."""

    turn: int
    question: str
    frame: str
    frame_age_ms: float


@dataclass(frozen=True, kw_only=True)
class Routed(Event, about="turn", private=False):
    """Who is to answer, and why in a sentence."""

    turn: int
    to: Source
    reason: str


@dataclass(frozen=True, kw_only=True)
class Weighed(Event, about="turn", private=True):
    """What the student would say, and what that is worth: the `probability` that the expert would say the
    same, and how high it has to be. `evidence` is what that was told from, by name.
    """

    turn: int
    text: str
    probability: float
    needed: float
    evidence: Mapping[str, int | float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Answered(Event, about="turn", private=True):
    """What was said. `confidence` in [0, 1]; `adapter` is the student's version, empty for none."""

    turn: int
    by: Source
    text: str
    confidence: float
    latency_ms: float
    adapter: str = ""


@dataclass(frozen=True, kw_only=True)
class Judged(Event, about="turn", private=True):
    """How an answer compares with a known one, where there is one.

    `tag` says what a question after the warm-up takes (`same-fact-words`, ...), empty where nobody said;
    `room` is where it was truly asked, likewise.
    """

    turn: int
    reference: str
    right: bool
    nls: float
    tag: str = ""
    room: str = ""


@dataclass(frozen=True, kw_only=True)
class Compared(Event, about="turn", private=True):
    """What another `method` would have said to a turn (`untouched`, `memory`, `adapted`, `expert`)."""

    turn: int
    method: str
    text: str
    right: bool


@dataclass(frozen=True, kw_only=True)
class Remembered(Event, about="turn", private=False):
    """The turn's answer is a pair in memory now."""

    turn: int
    pair: str


@dataclass(frozen=True, kw_only=True)
class Inquired(Event, about="turn", private=False):
    """The agent has asked the expert more about the frame of this turn.

    `calls` is how many questions it put; `pairs` those that left a pair in memory, by its id.
    """

    turn: int
    calls: int
    pairs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Corrected(Event, about="turn", private=True):
    """A person gave the right answer to a turn; `pair` is what memory keeps of it."""

    turn: int
    text: str
    pair: str


@dataclass(frozen=True, kw_only=True)
class Revised(Event, about="pair", private=True):
    """A person changed a pair's answer, or had it forgotten: `text` is empty then."""

    pair: str
    text: str


@dataclass(frozen=True, kw_only=True)
class LearningHeld(Event, about="session", private=False):
    """The machine is too hot or draws too much to learn, as `reason` says; no longer when it is empty."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class LearningPaused(Event, about="session", private=False):
    """Whether adaptations wait from now on."""

    paused: bool


@dataclass(frozen=True, kw_only=True)
class ExpertUnreachable(Event, about="turn", private=False):
    """The expert could not be asked; the question waits to be put to it later."""

    turn: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class ToldLate(Event, about="turn", private=True):
    """What the expert said to a question when it was back; `pair` is what memory keeps, "" for nothing."""

    turn: int
    text: str
    confidence: float
    pair: str = ""


@dataclass(frozen=True, kw_only=True)
class Spent(Event, about="session", private=False):
    """What the expert has cost in this session so far: questions, and bytes to and from it."""

    calls: int
    bytes: int


@dataclass(frozen=True, kw_only=True)
class AdaptationStarted(Event, about="session", private=False):
    """A candidate is being trained on this many pairs of a room; "" is the one that the session began in."""

    job: str
    pairs: int
    note: str = ""
    room: str = ""


@dataclass(frozen=True, kw_only=True)
class AdaptationProgressed(Event, about="session", private=False):
    """How far the training is."""

    job: str
    step: int
    steps: int
    loss: float


@dataclass(frozen=True, kw_only=True)
class AdaptationEnded(Event, about="session", private=False):
    """What became of the candidate, and why. `adapter` is its version when it was promoted.

    `again`: it came to no verdict, since it was interrupted, and is begun anew. `room`: as when it started.
    """

    job: str
    promoted: bool
    reason: str
    seconds: float
    adapter: str = ""
    scores: Mapping[str, int | float] = field(default_factory=dict)
    again: bool = False
    room: str = ""


@dataclass(frozen=True, kw_only=True)
class Consolidated(Event, about="session", private=False):
    """Home was trained anew from so many rooms with so many pairs. `adapter` is its version if promoted."""

    rooms: int
    pairs: int
    promoted: bool
    reason: str
    seconds: float
    adapter: str = ""


@dataclass(frozen=True, kw_only=True)
class RoomsLearnt(Event, about="session", private=False):
    """Which pairs of all rooms bear on a question was learnt anew, from so many rooms with so many pairs."""

    rooms: int
    pairs: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class CameraLearnt(Event, about="session", private=False):
    """The scene encoder was trained on so many pairs of picture and depth of a camera. `version` is its
    number if promoted, else 0.
    """

    camera: str
    pairs: int
    promoted: bool
    reason: str
    seconds: float
    version: int = 0


@dataclass(frozen=True, kw_only=True)
class Activated(Event, about="session", private=False):
    """The student answers with this adapter from now on, a room's or home; empty: with none."""

    adapter: str


@dataclass(frozen=True, kw_only=True)
class CameraChanged(Event, about="session", private=False):
    """Whether the camera of this `name` gives pictures. `reason` says why not, and ends with a remedy; when
    it is back, `seconds` is how long there were none, 0 the first time.
    """

    name: str
    there: bool
    reason: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class MicrophoneChanged(Event, about="session", private=False):
    """Whether the microphone gives sound, in the same way."""

    there: bool
    reason: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class SpeechHeard(Event, about="talk", private=True):
    """What somebody was heard to say, in so many seconds of speech; `confidence` in [0, 1].

    `audio` is the SHA-256 of its sound among the session's files, empty where that was not recorded.
    """

    text: str
    confidence: float
    seconds: float
    audio: str = ""


@dataclass(frozen=True, kw_only=True)
class SpeechUnheard(Event, about="session", private=False):
    """The key for talking was held, and no words were made out; why, in a few words."""

    reason: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class SceneChanged(Event, about="session", private=False):
    """The camera sees what it has not seen in this session: another view, or very likely another room.

    `likeness` in [-1, 1] is that to the likest view before.
    """

    change: Change
    likeness: float


@dataclass(frozen=True, kw_only=True)
class RoomRecognised(Event, about="session", private=False):
    """What is seen is a known room, by so many views of a kind (`rgb`, `depth`). `likeness` in [-1, 1] is the
    mean cosine with the likest of its own; `probability` in [0, 1] that it is this room.
    """

    room: str
    likeness: float
    probability: float
    views: int
    kind: str = "rgb"


@dataclass(frozen=True, kw_only=True)
class RoomEntered(Event, about="session", private=False):
    """From here on all is of this room: what is asked, remembered and learnt. `new`: it was not known.

    `before` is the room until then. `moved`: what was asked there was of this room all along, since there was
    no telling yet; its pairs are this room's now. `kind` is the place that a new room is most like, a kitchen
    for one; empty where nobody looked.
    """

    room: str
    before: str
    new: bool
    reason: str
    moved: bool = False
    kind: str = ""


@dataclass(frozen=True, kw_only=True)
class RecordingChanged(Event, about="session", private=False):
    """Whether what happens from now on is recorded. The one that says no is the last one kept."""

    recording: bool


@dataclass(frozen=True, kw_only=True)
class Failed(Event, about="session", private=False):
    """A part failed and the agent went on without it."""

    what: str
    error: str


@dataclass(frozen=True, kw_only=True)
class Used(Event, about="session", private=False):
    """What the session has taken: the most memory so far, of this process and of a training child, and bytes
    on the disk. 0 where the system does not say.
    """

    peak_bytes: int
    child_peak_bytes: int
    memory_bytes: int
    adapter_bytes: int
    recording_bytes: int


@dataclass(frozen=True, kw_only=True)
class SessionEnded(Event, about="session", private=False):
    """The visit was ended on purpose. A log without it stopped in the middle."""

    turns: int
