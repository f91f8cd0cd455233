"""The student's answer to one question; the pairs recalled for it decide whether its adapter is used."""

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
"""With this many taught pairs of a view, the adapter answers anything about it."""


def in_scope(hits: Sequence[Hit], taught: Collection[str], settings: RouterConfig) -> bool:
    """Whether an adapter taught these pairs should answer the question that found `hits`. It should if it
    knows the view thoroughly, or if a person asked something like it of a similar view. Unknown likenesses do
    not count against it.
    """
    taught_hits = [hit for hit in hits if hit.pair.id in taught]
    if sum(hit.view is not None and hit.view >= settings.known_view for hit in taught_hits) >= _THOROUGHLY:
        return True
    return any(
        hit.pair.asker == "person"
        and hit.question is not None
        and hit.question >= settings.scope
        and (hit.view is None or hit.view >= settings.scope_view)
        for hit in taught_hits
    )


Draft = Callable[[str], None]
"""Receives the student's answer so far, on the session's thread; it may yet be replaced."""


def no_draft(draft: str) -> None:
    """Ignore drafts."""


def recall(answerers: Answerers, room: str, cue: Cue) -> list[Hit]:
    """All pairs of the room, likest first."""
    weight = answerers.config.memory.question_weight
    return search(answerers.memory, cue, room, k=None, question_weight=weight)


def was_taught(answerers: Answerers, room: Room, hits: Sequence[Hit]) -> bool:
    """Whether the question that found these hits is in the adapter's scope."""
    return in_scope(hits, room.taught, answerers.config.router)


def student_answer(
    answerers: Answerers, view: EncodedView, question: str, taught: bool, draft: Draft = no_draft
) -> Answer:
    """The student's answer, with its adapter if `taught`, else without."""
    max_tokens = answerers.config.student.max_new_tokens
    with nullcontext() if taught else answerers.slot.suspended():
        if draft is no_draft:
            return answerers.student.answer(view.vision, question, max_tokens)
        return _stream(answerers.student.stream(view.vision, question, max_tokens), draft)


def _stream(pieces: Generator[str, None, Answer], draft: Draft) -> Answer:
    text = ""
    while True:
        try:
            text += next(pieces)
        except StopIteration as end:
            answer: Answer = end.value
            return answer
        draft(strip_controls(text))
