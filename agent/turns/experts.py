"""An expert that has no model: the answers of a recording."""

from collections.abc import Sequence

from agent.recording.visit import VisitTurn
from core.errors import ExpertError
from core.types import Answer, Cost, ExpertReply, Frame


class RecordedExpert:
    """The answers that a session already has: words alone, with no signal, and sure of every one."""

    name = "recorded"
    teaches = True
    cost = Cost()

    def __init__(self, turns: Sequence[VisitTurn]) -> None:
        self._turns = turns

    def ask(self, frame: Frame, question: str, turn: int) -> ExpertReply:
        """The recorded answer. Raises ExpertError for a turn that has none."""
        known = ""
        if 0 < turn <= len(self._turns):
            known = self._turns[turn - 1].told or self._turns[turn - 1].answer
        if not known:
            raise ExpertError(
                f"The session has no recorded answer to question {turn}. "
                "Replay it with a model as the expert: --expert builtin-expert."
            )
        return ExpertReply(Answer(known, (), (), 1.0))

    def ask_more(self, frame: Frame, questions: Sequence[str]) -> list[ExpertReply]:
        """Nothing: a recording holds no other answers."""
        return []
