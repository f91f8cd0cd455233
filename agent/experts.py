"""Who is asked first: a large model in this process, or the answers of a recording."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from PIL.Image import Image

from agent.visit import VisitTurn
from core.errors import ExpertError
from core.types import Answer
from models.signal import teacher_signals
from models.views import looks
from models.vlm import VisionLanguageModel, VisionTokens

_AT_ONCE = 8
"""Questions in a pass, each as often as there are looks."""


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

    def ask_more(self, picture: Image, questions: Sequence[str]) -> list[Told]:
        """Answers to questions that nobody asked in the session, one each; none from who knows no more."""
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
        self._seen: tuple[Image, VisionTokens] | None = None

    @property
    def name(self) -> str:
        """The model's name."""
        return self._vlm.name

    def ask(self, picture: Image, question: str, turn: int) -> Told:
        """See the protocol; each look is encoded once for answer and signal."""
        return self.ask_more(picture, [question])[0]

    def ask_more(self, picture: Image, questions: Sequence[str]) -> list[Told]:
        """See the protocol; all questions share the looks, and the passes of a few."""
        vision = self._looked(picture)
        told = []
        for start in range(0, len(questions), _AT_ONCE):
            told += self._told(vision, questions[start : start + _AT_ONCE])
        return told

    def _looked(self, picture: Image) -> VisionTokens:
        """All looks at a picture; of the one that was asked about last they are kept."""
        if self._seen is None or self._seen[0] is not picture:
            self._seen = picture, self._vlm.encode_images(looks(picture, self._count))
        return self._seen[1]

    def _told(self, vision: VisionTokens, questions: Sequence[str]) -> list[Told]:
        shown = vision.select([*range(self._count)] * len(questions))
        asked = [question for question in questions for _ in range(self._count)]
        said = self._vlm.answer_many(shown, asked, self._max_new_tokens)
        answers = [voted(said[start : start + self._count]) for start in range(0, len(said), self._count)]
        signals = teacher_signals(self._vlm, vision, questions, [answer.text for answer in answers])
        return [Told(answer, signal.to_bytes()) for answer, signal in zip(answers, signals, strict=True)]


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

    def ask_more(self, picture: Image, questions: Sequence[str]) -> list[Told]:
        """Nothing: a recording holds no other answers."""
        return []
