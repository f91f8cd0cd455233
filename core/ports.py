"""Protocols of what a layer is given because it may not import it."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from PIL.Image import Image

from core.types import Cost, ExpertReply, Frame

Rows = npt.NDArray[np.float32]
"""Vectors of length 1, one a row."""
Millimetres = npt.NDArray[np.uint16]
"""A depth frame [height, width]: distances along the optical axis in millimetres, 0 where there is none."""


class Say(Protocol):
    """Emits an event."""

    def __call__(self, kind: Any, /, **values: Any) -> None:
        """Make an event of this kind with these values, and emit it."""


class Embedder(Protocol):
    """Embeds questions and frames as vectors to compare by inner product."""

    @property
    def name(self) -> str:
        """Identifies the weights: vectors of different names must not be compared."""

    def text(self, texts: Sequence[str]) -> Rows:
        """Unit rows float32 [n, d] of n texts."""

    def image(self, images: Sequence[Image]) -> Rows:
        """Unit rows float32 [n, d2] of n RGB images."""


class SceneEncoder(Protocol):
    """Embeds views of a room, from colour or depth, in one space."""

    @property
    def name(self) -> str:
        """Identifies the weights: vectors of different names must not be compared."""

    def rgb(self, images: Sequence[Image]) -> Rows:
        """Unit rows float32 [n, d] of n > 0 RGB pictures. Raises InputError for one that shows nothing."""

    def depth(self, depths: Sequence[Millimetres]) -> Rows:
        """Unit rows float32 [n, d] of n > 0 depth frames. Raises InputError for one that cannot be depth."""


class Expert(Protocol):
    """Answers a question about a frame. Raises ExpertError when it cannot be asked."""

    @property
    def name(self) -> str:
        """The name recorded with each pair."""

    @property
    def teaches(self) -> bool:
        """Whether the student may learn from it; otherwise its answers are said and forgotten."""

    @property
    def cost(self) -> Cost:
        """What it has cost in this session; nothing on this machine."""

    def ask(self, frame: Frame, question: str, turn: int) -> ExpertReply:
        """The answer to a session's question number `turn`, counted from 1."""

    def ask_more(self, frame: Frame, questions: Sequence[str]) -> list[ExpertReply]:
        """Answers to the agent's own questions, one each, or none at all."""
