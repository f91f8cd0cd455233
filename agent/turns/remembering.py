"""What an expert or a person says becomes a pair: the one place of the loop that adds to memory."""

import hashlib

from agent.turns.answerers import Answerers
from agent.turns.view import EncodedView
from core.types import Asker, ExpertReply, Frame, Pair
from memory.index import Cue


def pair_id(session: str, turn: int) -> str:
    """The id of the pair that a turn leaves: the same turn told twice is remembered once."""
    return hashlib.sha256(f"{session}\n{turn}".encode()).hexdigest()[:32]


def remember(
    answerers: Answerers,
    room: str,
    frame: Frame,
    question: str,
    told: ExpertReply,
    id: str,
    cue: Cue | None = None,
    asker: Asker = "person",
) -> Pair | None:
    """Keep the expert's answer; None, with nothing kept, for one without words: it teaches nothing.

    `cue` saves encoding frame and question again. Raises AnswerError, StorageError.
    """
    expert, text = answerers.expert, told.answer.text
    if expert is None or not text:
        return None
    found = cue or cue_of_frame(answerers, frame, question)
    return answerers.memory.add(
        room, frame, question, text, "expert", expert.name, told.signal, id=id, cue=found, asker=asker
    )


def remember_person(
    answerers: Answerers, room: str, frame: Frame, question: str, answer: str, id: str
) -> Pair:
    """Keep what a person says, where the expert said nothing. Raises AnswerError, StorageError."""
    cue = cue_of_frame(answerers, frame, question)
    return answerers.memory.add(room, frame, question, answer, "person", "", id=id, cue=cue)


def cue_of_frame(answerers: Answerers, frame: Frame, question: str) -> Cue:
    """What memory is searched by; empty without an embedder."""
    embedder = answerers.memory.embedder
    if embedder is None:
        return Cue()
    return EncodedView(answerers.student, frame.picture).cue(embedder, question)
