"""What a person says about an answer: the right one in place of a wrong one."""

from agent.turns.answerers import Answerers
from agent.turns.remembering import pair_id, remember_person
from agent.turns.turn import Inquiry
from core.errors import UnknownPairError
from core.types import Pair


def corrected(answerers: Answerers, room: str, inquiry: Inquiry, answer: str) -> Pair:
    """The turn's answer as a person gives it: in place of the expert's where that is a pair, else a new one.

    It is learnt like any other, and said when the same is asked of the same view. Raises AnswerError,
    StorageError.
    """
    id = pair_id(answerers.session, inquiry.turn)
    try:
        return answerers.memory.correct(id, answer)
    except UnknownPairError:
        return remember_person(answerers, room, inquiry.frame, inquiry.question, answer, id)
