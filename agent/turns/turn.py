"""One question from asking to answer: recall, route, answer, remember; every step is an event."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from agent.takeover.evidence import evidence_of
from agent.turns.answerers import Answerers, Room
from agent.turns.remembering import pair_id, remember, usable
from agent.turns.router import Route, Situation, choose_route, reconsider
from agent.turns.student import Draft, no_draft, recall, student_answer, was_taught
from core.errors import ExpertError
from core.events import Answered, Asked, Event, ExpertUnreachable, Remembered, Routed, Source, Weighed
from core.scoring import exact_match
from core.types import Answer, ExpertReply, Frame
from memory.index import Cue
from memory.recall import Hit, asked_before
from memory.table import Line

_NEAREST = 5
"""Hits that are checked for the same question of the same view."""

Emit = Callable[[Event], None]


@dataclass(frozen=True)
class Inquiry:
    """A checked question about a frame that was `frame_age_ms` old when it was asked. `wished`: whom the
    person wants to hear, None for anyone. `of_room` counts the questions in this room, where the session has
    several.
    """

    turn: int
    question: str
    frame: Frame
    frame_age_ms: float = 0.0
    wished: Source | None = None
    of_room: int = 0


def take_turn(
    answerers: Answerers, room: Room, inquiry: Inquiry, warm_up: int, emit: Emit, draft: Draft = no_draft
) -> Answered:
    """Answer a question; everything to be remembered is on disk before this returns."""
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
    def __init__(self, answerers: Answerers, room: Room, inquiry: Inquiry, emit: Emit, draft: Draft) -> None:
        self._answerers, self._room, self._inquiry = answerers, room, inquiry
        self._emit, self._draft = emit, draft
        self._view = answerers.views.of(inquiry.frame)
        self._cue = Cue()
        self._hits: list[Hit] = []
        self._taught = True

    @property
    def adapter(self) -> str:
        """What the student answers with: the room's adapter if it was taught the question, else home."""
        return self._room.adapter if self._room.adapter and self._taught else self._answerers.home

    def run(self, warm_up: int) -> tuple[Route, Answer]:
        remembered = self._recall()
        has_expert = self._answerers.expert is not None
        route = self._route(warm_up, remembered is not None, has_expert, self._inquiry.wished)
        if remembered is not None and route.to == "memory":
            return self._emit_route(route, remembered)
        if route.to == "expert":
            fallback = self._route(warm_up, False, False)
            return self._from_expert(route) or self._from_student(fallback)
        return self._weigh(*self._from_student(route))

    def _route(self, warm_up: int, recalled: bool, expert: bool, wished: Source | None = None) -> Route:
        number = self._inquiry.of_room or self._inquiry.turn
        adapter, home = self._room.adapter, self._answerers.home
        return choose_route(Situation(number, warm_up, recalled, expert, adapter, self._taught, home, wished))

    def _weigh(self, route: Route, answer: Answer) -> tuple[Route, Answer]:
        """The student's answer if it is worth enough, else the expert's, which then audits the student."""
        inquiry, takeover = self._inquiry, self._room.takeover
        evidence = evidence_of(inquiry.question, answer, self._hits)
        weight = takeover.weigh(evidence)
        self._emit(
            _now(Weighed, inquiry, text=answer.text, probability=weight.probability, needed=weight.needed,
                 evidence=asdict(evidence))
        )  # fmt: skip
        better = self._elsewhere(answer, weight.needed)
        if better is not None:
            return better
        again = reconsider(weight.probability, weight.needed, self._answerers.expert is not None)
        audit = self._from_expert(again) if again else None
        if audit is None:
            return route, replace(answer, confidence=weight.probability)
        takeover.add_audit(evidence, exact_match(audit[1].text, answer.text))
        return audit

    def _elsewhere(self, answer: Answer, needed: float) -> tuple[Route, Answer] | None:
        """What other rooms say, if that is more likely right and likely enough."""
        inquiry, others = self._inquiry, self._answerers.others
        line = Line(self._room.name, inquiry.question, inquiry.frame.name)
        guess = others.better(answer, line, self._cue) if others else None
        if guess is None or guess[1] < needed:
            return None
        text, probability = guess
        route = Route("memory", f"other rooms say so, and are {probability:.2f} sure")
        return self._emit_route(route, Answer(text, (), (), probability))

    def _recall(self) -> Answer | None:
        answerers, question = self._answerers, self._inquiry.question
        if answerers.memory.embedder is None:
            return None
        self._cue = self._view.cue(answerers.memory.embedder, question)
        self._hits = recall(answerers, self._room.name, self._cue)
        self._taught = was_taught(answerers, self._room, self._hits)
        best, settings = self._hits[:_NEAREST], answerers.config.memory
        same = next((hit for hit in best if asked_before(question, hit, settings)), None)
        return None if same is None else Answer(same.pair.answer, (), (), 1.0)

    def _from_student(self, route: Route) -> tuple[Route, Answer]:
        question = self._inquiry.question
        answer = student_answer(self._answerers, self._view, question, self._taught, self._draft)
        return self._emit_route(route, answer)

    def _from_expert(self, route: Route) -> tuple[Route, Answer] | None:
        expert, inquiry = self._answerers.expert, self._inquiry
        if expert is None:
            return None
        try:
            reply = usable(expert.ask(inquiry.frame, inquiry.question, inquiry.turn), expert.name)
        except ExpertError as error:
            self._emit(_now(ExpertUnreachable, inquiry, reason=str(error)))
            return None
        if expert.teaches:
            self._remember(reply)
        return self._emit_route(route, reply.answer)

    def _remember(self, reply: ExpertReply) -> None:
        inquiry, id = self._inquiry, pair_id(self._answerers.session, self._inquiry.turn)
        room = self._room.name
        pair = remember(self._answerers, room, inquiry.frame, inquiry.question, reply, id, self._cue)
        if pair is not None:
            self._emit(_now(Remembered, inquiry, pair=pair.id))

    def _emit_route(self, route: Route, answer: Answer) -> tuple[Route, Answer]:
        self._emit(_now(Routed, self._inquiry, to=route.to, reason=route.reason))
        return route, answer


def _now(kind: Any, inquiry: Inquiry, **values: Any) -> Any:
    return kind(at=time.time(), turn=inquiry.turn, **values)
