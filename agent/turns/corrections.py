"""What a person says about an answer: the right one in place of a wrong one."""

from agent.turns.look import Look
from agent.turns.turn import Inquiry, Mind, pair_id
from core.errors import UnknownPairError
from core.types import Pair
from memory.index import Cue


def corrected(mind: Mind, inquiry: Inquiry, answer: str) -> Pair:
    """The turn's answer as a person gives it: in place of the expert's where that is a pair, else a new one.

    It is learnt like any other, and said when the same is asked of the same view. Raises AnswerError,
    ImageError, StorageError.
    """
    id = pair_id(mind.session, inquiry.turn)
    try:
        return mind.memory.correct(id, answer)
    except UnknownPairError:
        embedder = mind.memory.embedder
        cue = Look(mind.student, inquiry.frame.picture).cue(embedder, inquiry.question) if embedder else Cue()
        room = mind.room_of(inquiry.turn)
        return mind.memory.add(room, inquiry.frame, inquiry.question, answer, "person", "", id=id, cue=cue)
