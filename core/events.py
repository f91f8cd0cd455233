"""The events of a session. Log, screen, report and replay all read this one stream.

Fields may be added with a default, never renamed; `core.event_lines` writes and reads them. An `int | float`
is read back as it was written.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from typing_extensions import dataclass_transform

Source = Literal["memory", "student", "expert"]
"""Who can answer a question."""
Change = Literal["view", "room"]
"""What a camera can see that is new."""
About = Literal["session", "turn", "pair", "talk"]
"""What an event is about: the whole session, the named turn or pair, or talk at some turn."""


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened `at` so many seconds since 1970, UTC. `private`: it holds somebody's words.

    Every subclass is a frozen dataclass, with keywords only.
    """

    at: float
    about: ClassVar[About]
    private: ClassVar[bool]

    def __init_subclass__(cls, *, about: About, private: bool) -> None:
        super().__init_subclass__()
        cls.about, cls.private = about, private
        dataclass(frozen=True, kw_only=True)(cls)


class SessionStarted(Event, about="session", private=False):
    """A visit began. `warm_up` is how many questions the expert answers first."""

    session: str
    room: str
    student: str
    expert: str
    warm_up: int
    seed: int


class Resumed(Event, about="session", private=False):
    """A stopped session goes on; `turn` is the first question without an answer.

    It may be asked again: of each turn the last events count.
    """

    turn: int


class Asked(Event, about="turn", private=True):
    """A question about a frame: the SHA-256 of its JPEG, and its age."""

    turn: int
    question: str
    frame: str
    frame_age_ms: float


class Routed(Event, about="turn", private=False):
    """Who is to answer, and why in a sentence."""

    turn: int
    to: Source
    reason: str


class Weighed(Event, about="turn", private=True):
    """What the student would say, the `probability` that the expert would say the same, the probability
    needed, and the named `evidence` for it.
    """

    turn: int
    text: str
    probability: float
    needed: float
    evidence: Mapping[str, int | float] = field(default_factory=dict)


class Answered(Event, about="turn", private=True):
    """What was said. `confidence` in [0, 1]; `adapter` is the student's version, empty for none."""

    turn: int
    by: Source
    text: str
    confidence: float
    latency_ms: float
    adapter: str = ""


class Judged(Event, about="turn", private=True):
    """How an answer compares with a known reference.

    `tag` says what a question after the warm-up needs (`same-fact-words`, ...), and `room` where it was
    really asked; both may be empty.
    """

    turn: int
    reference: str
    right: bool
    nls: float
    tag: str = ""
    room: str = ""


class Compared(Event, about="turn", private=True):
    """What another `method` would have said to a turn (`untouched`, `memory`, `adapted`, `expert`)."""

    turn: int
    method: str
    text: str
    right: bool


class Remembered(Event, about="turn", private=False):
    """The turn's answer is a pair in memory now."""

    turn: int
    pair: str


class Inquired(Event, about="turn", private=False):
    """The agent has asked the expert `calls` more questions about the frame of this turn.

    `pairs` are those that became pairs in memory, by id.
    """

    turn: int
    calls: int
    pairs: Mapping[str, str] = field(default_factory=dict)


class Corrected(Event, about="turn", private=True):
    """A person gave the right answer to a turn; `pair` is its id in memory."""

    turn: int
    text: str
    pair: str


class Revised(Event, about="pair", private=True):
    """A person changed a pair's answer, or had it forgotten: `text` is empty then."""

    pair: str
    text: str


class LearningHeld(Event, about="session", private=False):
    """The machine is too hot or draws too much power to learn; over when `reason` is empty."""

    reason: str


class LearningPaused(Event, about="session", private=False):
    """Whether adaptations wait from now on."""

    paused: bool


class ExpertUnreachable(Event, about="turn", private=False):
    """The expert could not be asked; the question waits to be put to it later."""

    turn: int
    reason: str


class ToldLate(Event, about="turn", private=True):
    """What the expert answered when it was back; `pair` is its id in memory, or ""."""

    turn: int
    text: str
    confidence: float
    pair: str = ""


class Spent(Event, about="session", private=False):
    """What the expert has cost in this session so far: questions, and bytes to and from it."""

    calls: int
    bytes: int


class AdaptationStarted(Event, about="session", private=False):
    """A candidate is trained on so many pairs of a room; "" is the room in which the session began."""

    job: str
    pairs: int
    note: str = ""
    room: str = ""


class AdaptationPlanned(Event, about="session", private=False):
    """What fits the time there is, by what it costs on this machine: in words, and the expected seconds."""

    job: str
    text: str
    seconds: float


class AdaptationProgressed(Event, about="session", private=False):
    """How far the training is."""

    job: str
    step: int
    steps: int
    loss: float


class AdaptationEnded(Event, about="session", private=False):
    """What became of the candidate, and why. `adapter` is its version if it was promoted.

    `again`: it was interrupted without a verdict, and starts again. `room`: as when it started.
    """

    job: str
    promoted: bool
    reason: str
    seconds: float
    adapter: str = ""
    scores: Mapping[str, int | float] = field(default_factory=dict)
    again: bool = False
    room: str = ""


class Consolidated(Event, about="session", private=False):
    """Home was trained anew from so many rooms with so many pairs. `adapter` is its version if promoted."""

    rooms: int
    pairs: int
    promoted: bool
    reason: str
    seconds: float
    adapter: str = ""


class RoomsLearnt(Event, about="session", private=False):
    """The votes of pairs were learnt anew, from so many rooms with so many pairs."""

    rooms: int
    pairs: int
    seconds: float


class CameraLearnt(Event, about="session", private=False):
    """The scene encoder was trained on so many pairs of a camera's pictures and depth. `version` is 0 unless
    promoted.
    """

    camera: str
    pairs: int
    promoted: bool
    reason: str
    seconds: float
    version: int = 0


class Activated(Event, about="session", private=False):
    """The student answers with this adapter from now on, a room's or home; empty: with none."""

    adapter: str


class CameraChanged(Event, about="session", private=False):
    """Whether the camera `name` gives pictures. `reason` says why not, with a remedy; when it is back,
    `seconds` is how long it gave none, 0 the first time.
    """

    name: str
    there: bool
    reason: str = ""
    seconds: float = 0.0


class MicrophoneChanged(Event, about="session", private=False):
    """Whether the microphone gives sound, in the same way."""

    there: bool
    reason: str = ""
    seconds: float = 0.0


class SpeechHeard(Event, about="talk", private=True):
    """Somebody said this, in so many seconds; `confidence` in [0, 1].

    `audio` is the SHA-256 of the sound among the session's files, empty if it was not recorded.
    """

    text: str
    confidence: float
    seconds: float
    audio: str = ""


class SpeechUnheard(Event, about="session", private=False):
    """The key for talking was held, and no words were recognised, for this reason."""

    reason: str
    seconds: float


class SceneChanged(Event, about="session", private=False):
    """The camera sees a new view, or very likely another room.

    `likeness` in [-1, 1] is that to the most similar view before.
    """

    change: Change
    likeness: float


class RoomRecognised(Event, about="session", private=False):
    """The camera sees a known room, by so many views of a kind (`rgb`, `depth`). `likeness` in [-1, 1] is the
    mean cosine with the room's most similar views; `probability` in [0, 1] that it is this room.
    """

    room: str
    likeness: float
    probability: float
    views: int
    kind: str = "rgb"


class RoomEntered(Event, about="session", private=False):
    """From now on all questions, pairs and learning belong to this room. `new`: it was not known.

    `before` is the room until then. `moved`: its questions really belonged to this room, and their pairs have
    moved here. `kind` is the place that a new room looks like, such as a kitchen; empty if unknown.
    """

    room: str
    before: str
    new: bool
    reason: str
    moved: bool = False
    kind: str = ""


class RecordingChanged(Event, about="session", private=False):
    """Whether events are recorded from now on; the event that says no is the last one recorded."""

    recording: bool


class Failed(Event, about="session", private=False):
    """A part failed and the agent went on without it."""

    what: str
    error: str


class Used(Event, about="session", private=False):
    """What the session has used: peak memory of this process and of a training child, and bytes on the disk.
    0 where unknown.
    """

    peak_bytes: int
    child_peak_bytes: int
    memory_bytes: int
    adapter_bytes: int
    recording_bytes: int


class SessionEnded(Event, about="session", private=False):
    """The visit was ended on purpose. A log without it stopped in the middle."""

    turns: int
