"""One question from asking to answer: recall, route, answer, remember; every step an event."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from agent.takeover.evidence import evidence_of
from agent.takeover.takeover import told_of
from agent.turns.answerers import Answerers, Room
from agent.turns.remembering import pair_id, remember
from agent.turns.router import Route, Situation, reconsider, route
from agent.turns.student import Draft, recalled, said_by_student, unheard, was_taught
from agent.turns.view import EncodedView
from core.errors import ExpertError
from core.events import Answered, Asked, Event, ExpertUnreachable, Remembered, Routed, Source, Weighed
from core.scoring import exact_match
from core.types import Answer, ExpertReply, Frame
from memory.index import Cue
from memory.recall import Hit, asked_before
from memory.table import Line

_NEAREST = 5
"""Pairs that are looked at for the same question of the same view."""

Emit = Callable[[Event], None]


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


def take_turn(
    answerers: Answerers, room: Room, inquiry: Inquiry, warm_up: int, emit: Emit, draft: Draft = unheard
) -> Answered:
    """Answer, after what is to be remembered is on the disk."""
    started = time.perf_counter()
    emit(_now(Asked, inquiry, question=inquiry.question, frame=inquiry.frame.name,
              frame_age_ms=inquiry.frame_age_ms))  # fmt: skip
    steps = _Steps(answerers, room, inquiry, emit, draft)
    by, answer = steps.run(warm_up)
    answered: Answered = _now(
        Answered, inquiry, by=by.to, text=answer.text, confidence=answer.confidence,
        latency_ms=(time.perf_counter() - started) * 1000,
        adapter=steps.adapter if by.to == "student" else "",
    )  # fmt: skip
    emit(answered)
    return answered


class _Steps:
    """The steps of one turn."""

    def __init__(self, answerers: Answerers, room: Room, inquiry: Inquiry, emit: Emit, draft: Draft) -> None:
        self._answerers, self._room, self._inquiry = answerers, room, inquiry
        self._emit, self._draft = emit, draft
        self._view = EncodedView(answerers.student, inquiry.frame.picture)
        self._cue = Cue()
        self._hits: list[Hit] = []
        self._taught = True
        """Whether the adapter was taught something like the question."""

    @property
    def adapter(self) -> str:
        """What the student answers with: the room's adapter where that was taught, else what it rests on."""
        return self._room.adapter if self._room.adapter and self._taught else self._answerers.home

    def run(self, warm_up: int) -> tuple[Route, Answer]:
        known = self._recalled()
        expert = self._answerers.expert is not None
        way = self._route(warm_up, known is not None, expert, self._inquiry.wished)
        if known is not None and way.to == "memory":
            return self._routed(way, known)
        if way.to == "expert":
            without = self._route(warm_up, False, False)
            return self._from_expert(way) or self._from_student(without)
        return self._weighed(*self._from_student(way))

    def _route(self, warm_up: int, recalled: bool, expert: bool, wished: Source | None = None) -> Route:
        number = self._inquiry.of_room or self._inquiry.turn
        adapter, home = self._room.adapter, self._answerers.home
        return route(Situation(number, warm_up, recalled, expert, adapter, self._taught, home, wished))

    def _weighed(self, way: Route, said: Answer) -> tuple[Route, Answer]:
        """The student's answer if it is worth enough, else the expert's, which then audits the student."""
        inquiry, takeover = self._inquiry, self._room.takeover
        evidence = evidence_of(inquiry.question, said, self._hits)
        weight = takeover.weigh(evidence)
        self._emit(
            _now(Weighed, inquiry, text=said.text, probability=weight.probability, needed=weight.needed,
                 evidence=told_of(evidence))
        )  # fmt: skip
        better = self._elsewhere(said, weight.needed)
        if better is not None:
            return better
        again = reconsider(weight.probability, weight.needed, self._answerers.expert is not None)
        asked = self._from_expert(again) if again else None
        if asked is None:
            return way, replace(said, confidence=weight.probability)
        takeover.audited(evidence, exact_match(asked[1].text, said.text))
        return asked

    def _elsewhere(self, said: Answer, needed: float) -> tuple[Route, Answer] | None:
        """What other rooms say, where that is more likely right, and likely enough."""
        inquiry, others = self._inquiry, self._answerers.others
        line = Line(self._room.name, inquiry.question, inquiry.frame.name)
        guess = others.better(said, line, self._cue) if others else None
        if guess is None or guess[1] < needed:
            return None
        text, probability = guess
        way = Route("memory", f"other rooms say so, and are {probability:.2f} sure")
        return self._routed(way, Answer(text, (), (), probability))

    def _recalled(self) -> Answer | None:
        answerers, question = self._answerers, self._inquiry.question
        if answerers.memory.embedder is None:
            return None
        self._cue = self._view.cue(answerers.memory.embedder, question)
        self._hits = recalled(answerers, self._room.name, self._cue)
        self._taught = was_taught(answerers, self._room, self._hits)
        best, settings = self._hits[:_NEAREST], answerers.config.memory
        same = next((hit for hit in best if asked_before(question, hit, settings)), None)
        return None if same is None else Answer(same.pair.answer, (), (), 1.0)

    def _from_student(self, way: Route) -> tuple[Route, Answer]:
        question = self._inquiry.question
        said = said_by_student(self._answerers, self._view, question, self._taught, self._draft)
        return self._routed(way, said)

    def _from_expert(self, way: Route) -> tuple[Route, Answer] | None:
        expert, inquiry = self._answerers.expert, self._inquiry
        if expert is None:
            return None
        try:
            told = expert.ask(inquiry.frame, inquiry.question, inquiry.turn)
        except ExpertError as error:
            self._emit(_now(ExpertUnreachable, inquiry, reason=str(error)))
            return None
        if expert.teaches:
            self._remember(told)
        return self._routed(way, told.answer)

    def _remember(self, told: ExpertReply) -> None:
        inquiry, id = self._inquiry, pair_id(self._answerers.session, self._inquiry.turn)
        room = self._room.name
        pair = remember(self._answerers, room, inquiry.frame, inquiry.question, told, id, self._cue)
        if pair is not None:
            self._emit(_now(Remembered, inquiry, pair=pair.id))

    def _routed(self, way: Route, answer: Answer) -> tuple[Route, Answer]:
        self._emit(_now(Routed, self._inquiry, to=way.to, reason=way.reason))
        return way, answer


def _now(kind: Any, inquiry: Inquiry, **values: Any) -> Any:
    return kind(at=time.time(), turn=inquiry.turn, **values)
