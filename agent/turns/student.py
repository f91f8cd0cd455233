"""The student's answer to one question: what memory recalls of it decides whether its adapter speaks."""

from collections.abc import Callable, Generator, Sequence
from contextlib import nullcontext

from agent.turns.answerers import Answerers, Room
from agent.turns.scope import in_scope
from agent.turns.view import EncodedView
from core.text import strip_controls
from core.types import Answer
from memory.index import Cue
from memory.recall import Hit, search

Draft = Callable[[str], None]
"""Hears the student's answer as far as it is made, on the session's thread. Another may take its place."""


def unheard(draft: str) -> None:
    """Where nobody wants to hear an answer before it is there."""


def recalled(answerers: Answerers, room: str, cue: Cue) -> list[Hit]:
    """All pairs of the room, those most like the cue first."""
    weight = answerers.config.memory.question_weight
    return search(answerers.memory, cue, room, k=None, question_weight=weight)


def was_taught(answerers: Answerers, room: Room, hits: Sequence[Hit]) -> bool:
    """Whether the question that found these is in the scope of the student's adapter."""
    return in_scope(hits, room.taught, answerers.config.router)


def said_by_student(
    answerers: Answerers, view: EncodedView, question: str, taught: bool, draft: Draft = unheard
) -> Answer:
    """The student's answer, with its adapter if that was taught something like the question, else at rest."""
    longest = answerers.config.student.max_new_tokens
    with nullcontext() if taught else answerers.slot.suspended():
        if draft is unheard:
            return answerers.student.answer(view.vision, question, longest)
        return _drafted(answerers.student.stream(view.vision, question, longest), draft)


def _drafted(pieces: Generator[str, None, Answer], draft: Draft) -> Answer:
    said = ""
    while True:
        try:
            said += next(pieces)
        except StopIteration as end:
            answer: Answer = end.value
            return answer
        draft(strip_controls(said))
