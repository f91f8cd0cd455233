"""Who is asked first: a large model in this process, or the answers of a recording."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from PIL.Image import Image

from agent.visit import VisitTurn
from core.errors import ExpertError
from core.types import Answer
from models.signal import teacher_signal
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
    """A model in this process, loaded with attention="eager" so that it can show where it looked."""

    def __init__(self, vlm: VisionLanguageModel, max_new_tokens: int) -> None:
        self._vlm = vlm
        self._max_new_tokens = max_new_tokens

    @property
    def name(self) -> str:
        """The model's name."""
        return self._vlm.name

    def ask(self, picture: Image, question: str, turn: int) -> Told:
        """See the protocol; the picture is encoded once for answer and signal."""
        vision = self._vlm.encode_images([picture])
        answer = self._vlm.answer(vision, question, self._max_new_tokens)
        return Told(answer, teacher_signal(self._vlm, vision, question, answer.text).to_bytes())


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
