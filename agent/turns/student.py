"""The student's answer to one question: what memory recalls of it decides whether its adapter speaks."""

from collections.abc import Callable, Collection, Generator, Sequence
from contextlib import nullcontext

from agent.turns.answerers import Answerers, Room
from agent.turns.view import EncodedView
from core.sections import RouterConfig
from core.text import strip_controls
from core.types import Answer
from memory.index import Cue
from memory.recall import Hit, search

_THOROUGHLY = 20
"""Pairs that an adapter was taught about one view, from which on it is asked anything about that view."""


def in_scope(hits: Sequence[Hit], taught: Collection[str], settings: RouterConfig) -> bool:
    """Whether an adapter that was taught the pairs of these ids is to answer the question that found `hits`.

    It is when the view is one that it knows thoroughly, or when a person asked something like it of a view
    not unlike. Likenesses that memory cannot tell do not count against it.
    """
    known = [hit for hit in hits if hit.pair.id in taught]
    if sum(hit.view is not None and hit.view >= settings.known_view for hit in known) >= _THOROUGHLY:
        return True
    return any(
        hit.pair.asker == "person"
        and hit.question is not None
        and hit.question >= settings.scope
        and (hit.view is None or hit.view >= settings.scope_view)
        for hit in known
    )


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
