"""Turns what the expert or a person says into a pair: the only place of the loop that adds to memory."""

import hashlib
from dataclasses import replace

from agent.turns.answerers import Answerers
from core.errors import AnswerError, UnusableAnswerError
from core.text import check_answer, strip_controls
from core.types import Asker, ExpertReply, Frame, Pair
from memory.index import Cue


def pair_id(session: str, turn: int) -> str:
    """The id of a turn's pair; a repeated turn is remembered once."""
    return hashlib.sha256(f"{session}\n{turn}".encode()).hexdigest()[:32]


def usable(reply: ExpertReply, expert: str) -> ExpertReply:
    """The reply with its words as they are said and kept; one without words stays so, and teaches nothing.

    Raises UnusableAnswerError for words that are too many to be an answer.
    """
    text = reply.answer.text
    try:
        words = check_answer(text) if strip_controls(text) else ""
    except AnswerError as error:
        raise UnusableAnswerError(
            f"{expert} said {len(text):,} characters, too many for an answer. Set another expert."
        ) from error
    return replace(reply, answer=replace(reply.answer, text=words))


def remember(
    answerers: Answerers,
    room: str,
    frame: Frame,
    question: str,
    reply: ExpertReply,
    id: str,
    cue: Cue | None = None,
    asker: Asker = "person",
) -> Pair | None:
    """Remember the expert's reply; None, with nothing stored, for an empty answer. `cue` saves encoding frame
    and question again. Raises AnswerError, StorageError.
    """
    expert, text = answerers.expert, reply.answer.text
    if expert is None or not text:
        return None
    return answerers.memory.add(
        room, frame, question, text, "expert", expert.name, reply.signal, id=id,
        cue=cue or cue_of_frame(answerers, frame, question), asker=asker,
    )  # fmt: skip


def remember_person(
    answerers: Answerers, room: str, frame: Frame, question: str, answer: str, id: str
) -> Pair:
    """Remember a person's answer where the expert gave none. Raises AnswerError, StorageError."""
    cue = cue_of_frame(answerers, frame, question)
    return answerers.memory.add(room, frame, question, answer, "person", "", id=id, cue=cue)


def cue_of_frame(answerers: Answerers, frame: Frame, question: str) -> Cue:
    """The cue to search memory by; empty without an embedder."""
    embedder = answerers.memory.embedder
    if embedder is None:
        return Cue()
    return answerers.views.of(frame).cue(embedder, question)
