"""One question from asking to answer: recall, route, answer, remember; every step an event."""

import hashlib
import time
from collections.abc import Callable, Collection, Generator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

from agent.takeover.evidence import evidence_of
from agent.takeover.takeover import TakeOver, told_of
from agent.turns.look import Look
from agent.turns.others import OtherRooms
from agent.turns.router import Route, Situation, reconsider, route
from agent.turns.scope import in_scope
from core.config import Config
from core.errors import ExpertError
from core.events import Answered, Asked, Event, ExpertUnreachable, Remembered, Routed, Source, Weighed
from core.ports import Expert
from core.scoring import exact_match
from core.text import strip_controls
from core.types import Answer, Frame, Told
from memory.index import Cue
from memory.recall import Hit, asked_before, search
from memory.store import Memory
from memory.table import Line
from models.lora import AdapterSlot
from models.vlm import VisionLanguageModel

_NEAREST = 5
"""Pairs that are looked at for the same question of the same view."""

Emit = Callable[[Event], None]
Draft = Callable[[str], None]
"""Hears the student's answer as far as it is made, on the session's thread. Another may take its place."""


def unheard(draft: str) -> None:
    """Where nobody wants to hear an answer before it is there."""


@dataclass
class Mind:
    """Who can answer in a room. `adapter` names the version the student holds, "" for none; `taught` are the
    ids of the pairs that it was taught. `home` names what it rests on where that is not to answer, "" for
    the student as it was loaded. `asked_in` is which room each turn of the session was asked in.
    """

    room: str
    session: str
    student: VisionLanguageModel
    expert: Expert | None
    memory: Memory
    config: Config
    adapter: str = ""
    taught: Collection[str] = ()
    home: str = ""
    takeover: TakeOver = field(default_factory=TakeOver)
    others: OtherRooms | None = None
    asked_in: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.slot = AdapterSlot(self.student)

    def room_of(self, turn: int) -> str:
        """The room that a turn was asked in: what comes of it belongs there, wherever one is by then."""
        return self.asked_in.get(turn, self.room)

    def answering(self, taught: bool) -> str:
        """What the student answers with, `taught` saying whether the adapter knows about the question."""
        return self.adapter if self.adapter and taught else self.home


@dataclass(frozen=True)
class Inquiry:
    """A question, already checked, about a frame that was `frame_age_ms` old when it was asked.

    `wished`: whom the person wants to hear, None for whoever is to answer. `of_room` counts the questions in
    the room, this one included, where that is not the session's only one.
    """

    turn: int
    question: str
    frame: Frame
    frame_age_ms: float = 0.0
    wished: Source | None = None
    of_room: int = 0


def take_turn(mind: Mind, inquiry: Inquiry, warm_up: int, emit: Emit, draft: Draft = unheard) -> Answered:
    """Answer, after what is to be remembered is on the disk."""
    started = time.perf_counter()
    emit(_now(Asked, inquiry, question=inquiry.question, frame=inquiry.frame.name,
              frame_age_ms=inquiry.frame_age_ms))  # fmt: skip
    answering = _Answering(mind, inquiry, emit, draft)
    by, answer = answering.run(warm_up)
    answered: Answered = _now(
        Answered, inquiry, by=by.to, text=answer.text, confidence=answer.confidence,
        latency_ms=(time.perf_counter() - started) * 1000,
        adapter=mind.answering(answering.taught) if by.to == "student" else "",
    )  # fmt: skip
    emit(answered)
    return answered


class _Answering:
    """The steps of one turn."""

    def __init__(self, mind: Mind, inquiry: Inquiry, emit: Emit, draft: Draft) -> None:
        self._mind, self._inquiry, self._emit, self._draft = mind, inquiry, emit, draft
        self._look = Look(mind.student, inquiry.frame.picture)
        self._cue = Cue()
        self._hits: list[Hit] = []
        self.taught = True
        """Whether the adapter was taught something like the question."""

    def run(self, warm_up: int) -> tuple[Route, Answer]:
        known = self._recalled()
        way = route(
            Situation(
                self._inquiry.of_room or self._inquiry.turn,
                warm_up,
                known is not None,
                self._mind.expert is not None,
                self._mind.adapter,
                self.taught,
                self._mind.home,
                self._inquiry.wished,
            )
        )
        if known is not None and way.to == "memory":
            return self._routed(way, known)
        if way.to == "expert":
            return self._from_expert(way) or self._from_student(self._without_expert(warm_up))
        return self._weighed(*self._from_student(way))

    def _weighed(self, way: Route, said: Answer) -> tuple[Route, Answer]:
        """The student's answer if it is worth enough, else the expert's, which then audits the student."""
        mind, inquiry = self._mind, self._inquiry
        evidence = evidence_of(inquiry.question, said, self._hits)
        weight = mind.takeover.weigh(evidence)
        self._emit(
            _now(Weighed, inquiry, text=said.text, probability=weight.probability, needed=weight.needed,
                 evidence=told_of(evidence))
        )  # fmt: skip
        better = self._elsewhere(said, weight.needed)
        if better is not None:
            return better
        again = reconsider(weight.probability, weight.needed, mind.expert is not None)
        asked = self._from_expert(again) if again else None
        if asked is None:
            return way, replace(said, confidence=weight.probability)
        mind.takeover.audited(evidence, exact_match(asked[1].text, said.text))
        return asked

    def _elsewhere(self, said: Answer, needed: float) -> tuple[Route, Answer] | None:
        """What other rooms say, where that is more likely right, and likely enough."""
        mind, inquiry = self._mind, self._inquiry
        if mind.others is None:
            return None
        line = Line(mind.room, inquiry.question, inquiry.frame.name)
        found = mind.others.better(said, line, self._cue)
        if found is None or found[1] < needed:
            return None
        text, probability = found
        way = Route("memory", f"other rooms say so, and are {probability:.2f} sure")
        return self._routed(way, Answer(text, (), (), probability))

    def _recalled(self) -> Answer | None:
        mind = self._mind
        if mind.memory.embedder is None:
            return None
        self._cue = self._look.cue(mind.memory.embedder, self._inquiry.question)
        self._hits = recalled(mind, self._cue)
        self.taught = was_taught(mind, self._hits)
        best = self._hits[:_NEAREST]
        same = next((h for h in best if asked_before(self._inquiry.question, h, mind.config.memory)), None)
        return None if same is None else Answer(same.pair.answer, (), (), 1.0)

    def _from_student(self, way: Route) -> tuple[Route, Answer]:
        question = self._inquiry.question
        return self._routed(way, said_by_student(self._mind, self._look, question, self.taught, self._draft))

    def _from_expert(self, way: Route) -> tuple[Route, Answer] | None:
        expert, inquiry = self._mind.expert, self._inquiry
        if expert is None:
            return None
        try:
            told = expert.ask(inquiry.frame, inquiry.question, inquiry.turn)
        except ExpertError as error:
            self._emit(_now(ExpertUnreachable, inquiry, reason=str(error)))
            return None
        if expert.teaches:
            self._remember(told, expert.name)
        return self._routed(way, told.answer)

    def _remember(self, told: Told, expert: str) -> None:
        if not told.answer.text:  # an expert without words has taught nothing
            return
        pair = self._mind.memory.add(
            self._mind.room, self._inquiry.frame, self._inquiry.question, told.answer.text, "expert", expert,
            told.signal, id=pair_id(self._mind.session, self._inquiry.turn), cue=self._cue,
        )  # fmt: skip
        self._emit(_now(Remembered, self._inquiry, pair=pair.id))

    def _without_expert(self, warm_up: int) -> Route:
        mind = self._mind
        return route(
            Situation(
                self._inquiry.of_room or self._inquiry.turn, warm_up, False, False, mind.adapter,
                self.taught, mind.home,
            )
        )  # fmt: skip

    def _routed(self, way: Route, answer: Answer) -> tuple[Route, Answer]:
        self._emit(_now(Routed, self._inquiry, to=way.to, reason=way.reason))
        return way, answer


def recalled(mind: Mind, cue: Cue) -> list[Hit]:
    """All pairs of the room, those most like the cue first."""
    weight = mind.config.memory.question_weight
    return search(mind.memory, cue, mind.room, k=None, question_weight=weight)


def was_taught(mind: Mind, hits: Sequence[Hit]) -> bool:
    """Whether the question that found these is in the scope of the student's adapter."""
    return in_scope(hits, mind.taught, mind.config.router)


def said_by_student(mind: Mind, look: Look, question: str, taught: bool, draft: Draft = unheard) -> Answer:
    """The student's answer, with its adapter if that was taught something like the question, else at rest."""
    longest = mind.config.student.max_new_tokens
    with nullcontext() if taught else mind.slot.suspended():
        if draft is unheard:
            return mind.student.answer(look.vision, question, longest)
        return _drafted(mind.student.stream(look.vision, question, longest), draft)


def _drafted(pieces: Generator[str, None, Answer], draft: Draft) -> Answer:
    said = ""
    while True:
        try:
            said += next(pieces)
        except StopIteration as end:
            answer: Answer = end.value
            return answer
        draft(strip_controls(said))


def pair_id(session: str, turn: int) -> str:
    """The id of the pair that a turn leaves: the same turn told twice is remembered once."""
    return hashlib.sha256(f"{session}\n{turn}".encode()).hexdigest()[:32]


def _now(kind: Any, inquiry: Inquiry, **values: Any) -> Any:
    return kind(at=time.time(), turn=inquiry.turn, **values)
