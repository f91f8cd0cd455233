"""Frozen values that more than one layer handles."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from PIL.Image import Image

Asker = Literal["person", "agent"]
"""Who can put a question to the expert."""


@dataclass(frozen=True)
class Answer:
    """A model's answer to one question.

    `token_ids` are the answer's tokens, the closing one included, `token_logprobs` their natural
    log-probabilities, at most 0. `confidence` in [0, 1] is the model's own, not calibrated.
    """

    text: str
    token_ids: tuple[int, ...]
    token_logprobs: tuple[float, ...]
    confidence: float

    def __post_init__(self) -> None:
        if len(self.token_ids) != len(self.token_logprobs):
            raise ValueError(f"{len(self.token_ids)} tokens but {len(self.token_logprobs)} log-probabilities")
        if not 0.0 <= self.confidence <= 1.0:
            raise ValueError(f"confidence {self.confidence} is outside [0, 1]")


@dataclass(frozen=True, eq=False)
class Frame:
    """One camera frame: the bytes of its JPEG and its decoded RGB picture."""

    jpeg: bytes
    picture: Image

    @cached_property
    def name(self) -> str:
        """The SHA-256 of its bytes, in hexadecimal."""
        return hashlib.sha256(self.jpeg).hexdigest()


@dataclass(frozen=True)
class ExpertReply:
    """An expert's answer, and the bytes of its `core.signal.TeacherSignal` if there is one."""

    answer: Answer
    signal: bytes | None = None


@dataclass(frozen=True)
class Cost:
    """What an expert has cost: questions, and bytes sent and received."""

    calls: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class Example:
    """A pair to train or judge an adapter with, as files, without a database.

    `image` is a picture file; `signal` holds the bytes of a `core.signal.TeacherSignal`, if there is one.
    """

    id: str
    question: str
    answer: str
    image: Path
    signal: Path | None = None


@dataclass(frozen=True)
class Pair:
    """A question and its answer about one frame of a room, which memory keeps and the student learns from.

    `id` is 32 hexadecimal digits. `frame` and `signal` are hexadecimal SHA-256s of the frame's JPEG and of
    the teacher signal, if any. `source` says whose answer it is; `expert` names the model that was asked
    first. `created` is ISO 8601 in UTC. `asker` says whose question it is.
    """

    id: str
    room: str
    question: str
    answer: str
    frame: str
    source: Literal["expert", "person"]
    expert: str
    created: str
    signal: str | None = None
    asker: Asker = "person"
