"""Who is asked first: a large model in this process, or the answers of a recording."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from PIL.Image import Image

from agent.visit import VisitTurn
from core.errors import ExpertError
from core.types import Answer
from models.signal import teacher_signal
from models.views import looks
from models.vlm import VisionLanguageModel


@dataclass(frozen=True)
class Told:
    """An expert's answer, and the bytes of its teacher signal where it ships one."""

    answer: Answer
    signal: bytes | None = None


class Expert(Protocol):
    """Answers a question about a picture. Raises ExpertError when it cannot be reached."""

    @property
    def name(self) -> str:
        """As it is recorded with each pair."""
        ...

    def ask(self, picture: Image, question: str, turn: int) -> Told:
        """The answer to a session's question number `turn`, counted from 1."""
        ...


class LocalExpert:
    """A model in this process, loaded with attention="eager" so that it can show where it looked.

    It takes `count` looks at every picture and gives the answer that most of them, each counting as sure
    as it is, speak for: on rendered rooms three points better than one look.
    """

    def __init__(self, vlm: VisionLanguageModel, max_new_tokens: int, count: int = 1) -> None:
        self._vlm = vlm
        self._max_new_tokens = max_new_tokens
        self._count = count

    @property
    def name(self) -> str:
        """The model's name."""
        return self._vlm.name

    def ask(self, picture: Image, question: str, turn: int) -> Told:
        """See the protocol; each look is encoded once for answer and signal."""
        vision = self._vlm.encode_images(looks(picture, self._count))
        answer = voted(self._vlm.answer_many(vision, [question] * self._count, self._max_new_tokens))
        return Told(answer, teacher_signal(self._vlm, vision, question, answer.text).to_bytes())


def voted(answers: Sequence[Answer]) -> Answer:
    """The answer whose words have the most confidence behind them, as the first that gave it did.

    Its confidence is the mean over all looks, those that disagree counting nothing.
    """
    votes: dict[str, float] = {}
    for answer in answers:
        votes[answer.text] = votes.get(answer.text, 0.0) + answer.confidence
    best = max(votes, key=lambda text: votes[text])
    chosen = next(answer for answer in answers if answer.text == best)
    return replace(chosen, confidence=votes[best] / len(answers))


class RecordedExpert:
    """The answers that a session already has: words alone, with no signal, and sure of every one."""

    name = "recorded"

    def __init__(self, turns: Sequence[VisitTurn]) -> None:
        self._turns = turns

    def ask(self, picture: Image, question: str, turn: int) -> Told:
        """The recorded answer. Raises ExpertError for a turn that has none."""
        known = ""
        if 0 < turn <= len(self._turns):
            known = self._turns[turn - 1].told or self._turns[turn - 1].answer
        if not known:
            raise ExpertError(
                f"The session has no recorded answer to question {turn}. "
                "Replay it with a model as the expert: --expert builtin-expert."
            )
        return Told(Answer(known, (), (), 1.0))
