"""What a screen knows of a session: a frozen value, folded from messages. No clock, widget or thread."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

from agent.console import Back, ConsoleMessage, Gone, Partial, Pulse
from agent.sentences import sentence
from core import events
from core.events import Event, Source

_NOTES, _LOSSES, _PULSES = 300, 240, 60
"""How many are kept: notes of a session, losses of an adaptation, pulses for the little curves."""
_NOT_YET = Gone("The session has not been reached yet.")


@dataclass(frozen=True)
class ShownTurn:
    """A question and what became of it. `right` and `student` are None where nobody knows; `student` is
    whether it would have been right by itself, `worth` how likely it was held to agree with the expert.
    """

    number: int
    question: str
    frame: str = ""
    frame_age_ms: float = 0.0
    at: float = 0.0
    partial: str = ""
    to: Source | None = None
    why: str = ""
    by: Source | None = None
    answer: str = ""
    confidence: float = 0.0
    latency_ms: float = 0.0
    adapter: str = ""
    worth: float | None = None
    right: bool | None = None
    reference: str = ""
    student: bool | None = None
    unreachable: str = ""
    corrected: str = ""
    late: str | None = None
    pair: str = ""

    @property
    def answered(self) -> bool:
        return self.by is not None


@dataclass(frozen=True)
class Note:
    """Something that happened between questions, as a line in Rich's markup; `at` in seconds since 1970."""

    at: float
    line: str


@dataclass(frozen=True)
class AdaptationState:
    """An adaptation: how far it is, or how it ended. `losses` are thinned to a few hundred."""

    name: str
    pairs: int
    began: float
    step: int = 0
    steps: int = 0
    losses: tuple[float, ...] = ()
    at: float = 0.0
    ended: events.AdaptationEnded | None = None

    @property
    def share(self) -> float:
        """How much of it is done, in [0, 1]."""
        return min(1.0, max(0.0, self.step / self.steps)) if self.steps > 0 else 0.0


@dataclass(frozen=True)
class State:
    """All that is drawn. `items` is the conversation in order: a turn's number, or a note. `gone` is why the
    session cannot be reached, None while it can. `frame` is the newest JPEG.
    """

    started: events.SessionStarted | None = None
    turns: Mapping[int, ShownTurn] = field(default_factory=dict)
    items: tuple[int | Note, ...] = ()
    job: AdaptationState | None = None
    adapter: str = ""
    paused: bool = False
    spent: events.Spent | None = None
    ended: events.SessionEnded | None = None
    spoken: str = ""
    pulse: Pulse | None = None
    frame: bytes = b""
    processor: tuple[float, ...] = ()
    frames_per_s: tuple[float, ...] = ()
    gone: Gone | None = _NOT_YET

    @property
    def last(self) -> ShownTurn | None:
        """The newest turn."""
        return self.turns[max(self.turns)] if self.turns else None

    @property
    def answering(self) -> bool:
        """Whether a question waits for its answer."""
        return self.last is not None and not self.last.answered and self.ended is None

    @property
    def learning(self) -> bool:
        """Whether an adaptation runs."""
        return self.job is not None and self.job.ended is None


def fold(state: State, message: ConsoleMessage) -> State:
    """The state after a message. Never raises, whatever the order of messages."""
    match message:
        case Back():
            fresh = State(pulse=state.pulse, frame=state.frame, gone=None)
            return reduce(fold, message.events, fresh)
        case Gone():
            return replace(state, gone=message, spoken="")
        case Pulse():
            return _with_pulse(state, message)
        case Partial(turn=0):
            return replace(state, spoken=message.text)
        case Partial():
            return _with_turn(state, message.turn, partial=message.text)
        case Event():
            return _with_event(state, message)


def _with_pulse(state: State, pulse: Pulse) -> State:
    spoken = state.spoken if pulse.listening in ("speech", "busy") else ""
    return replace(
        state,
        pulse=replace(pulse, frame=b""),
        frame=pulse.frame or state.frame,
        processor=(*state.processor, pulse.processor)[-_PULSES:],
        frames_per_s=(*state.frames_per_s, pulse.frames_per_s)[-_PULSES:],
        spoken=spoken,
    )


def _with_event(state: State, event: Event) -> State:
    change = _CHANGES.get(type(event))
    changed = change(state, event) if change else state
    if event.private and event.about == "turn":  # told where the turn is drawn
        return changed
    line = sentence(event)
    return _with_note(changed, Note(event.at, line)) if line else changed


def _with_note(state: State, note: Note) -> State:
    items = (*state.items, note)
    if sum(isinstance(item, Note) for item in items) > _NOTES:
        oldest = next(place for place, item in enumerate(items) if isinstance(item, Note))
        items = items[:oldest] + items[oldest + 1 :]
    return replace(state, items=items)


def _with_turn(state: State, number: int, **changes: Any) -> State:
    """With a turn changed; what is said about a turn that nobody asked is passed over."""
    turn = state.turns.get(number)
    if turn is None:
        return state
    return replace(state, turns={**state.turns, number: replace(turn, **changes)})


def _asked(state: State, event: events.Asked) -> State:
    """Asked again counts as asked now: what counts of a turn is what came last."""
    turn = ShownTurn(event.turn, event.question, event.frame, event.frame_age_ms, event.at)
    items = (*(item for item in state.items if item != event.turn), event.turn)
    return replace(state, turns={**state.turns, event.turn: turn}, items=items, spoken="", ended=None)


def _answered(state: State, event: events.Answered) -> State:
    return _with_turn(
        state, event.turn, by=event.by, answer=event.text, confidence=event.confidence,
        latency_ms=event.latency_ms, adapter=event.adapter, partial="",
    )  # fmt: skip


def _judged(state: State, event: events.Judged) -> State:
    turn = state.turns.get(event.turn)
    own = event.right if turn and turn.by == "student" and turn.student is None else turn and turn.student
    return _with_turn(state, event.turn, right=event.right, reference=event.reference, student=own)


def _compared(state: State, event: events.Compared) -> State:
    """`adapted` says what the student would have said; before anything was learnt, `untouched` does."""
    turn = state.turns.get(event.turn)
    warm_up = state.started.warm_up if state.started else 0
    first = event.method == "untouched" and event.turn <= warm_up and turn and turn.student is None
    return _with_turn(state, event.turn, student=event.right) if event.method == "adapted" or first else state


def _progressed(state: State, event: events.AdaptationProgressed) -> State:
    current = state.job if state.job and state.job.name == event.job else None
    job = current or AdaptationState(event.job, pairs=0, began=event.at)
    losses = (*job.losses, event.loss)
    if len(losses) > _LOSSES:
        losses = (*losses[:-1:2], losses[-1])
    return replace(
        state, job=replace(job, step=event.step, steps=event.steps, losses=losses, at=event.at, ended=None)
    )


def _adapted(state: State, event: events.AdaptationEnded) -> State:
    current = state.job if state.job and state.job.name == event.job else None
    job = current or AdaptationState(event.job, pairs=0, began=event.at - event.seconds)
    return replace(state, job=replace(job, ended=event, at=event.at))


_CHANGES: dict[type[Event], Callable[[State, Any], State]] = {
    events.SessionStarted: lambda state, event: replace(state, started=event, ended=None),
    events.RoomEntered: lambda state, event: replace(
        state, started=state.started and replace(state.started, room=event.room)
    ),
    events.SessionEnded: lambda state, event: replace(state, ended=event),
    events.Asked: _asked,
    events.Routed: lambda state, event: _with_turn(state, event.turn, to=event.to, why=event.reason),
    events.Weighed: lambda state, event: _with_turn(state, event.turn, worth=event.probability),
    events.Answered: _answered,
    events.Judged: _judged,
    events.Compared: _compared,
    events.Remembered: lambda state, event: _with_turn(state, event.turn, pair=event.pair),
    events.Corrected: lambda state, event: _with_turn(
        state, event.turn, corrected=event.text, pair=event.pair
    ),
    events.ToldLate: lambda state, event: _with_turn(state, event.turn, late=event.text),
    events.ExpertUnreachable: lambda state, event: _with_turn(state, event.turn, unreachable=event.reason),
    events.AdaptationStarted: lambda state, event: replace(
        state, job=AdaptationState(event.job, event.pairs, event.at)
    ),
    events.AdaptationProgressed: _progressed,
    events.AdaptationEnded: _adapted,
    events.Activated: lambda state, event: replace(state, adapter=event.adapter),
    events.LearningPaused: lambda state, event: replace(state, paused=event.paused),
    events.Spent: lambda state, event: replace(state, spent=event),
    # An adaptation that fails ends without a verdict.
    events.Failed: lambda state, event: replace(state, job=None) if event.what == "adaptation" else state,
}
