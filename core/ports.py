"""What a layer is handed because it may not import it: small protocols, without code."""

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
    """Makes an event of its kind and values, and emits it."""

    def __call__(self, kind: Any, /, **values: Any) -> None:
        """Emit it."""


class Embedder(Protocol):
    """Turns questions and frames into vectors whose inner product says how alike they are."""

    @property
    def name(self) -> str:
        """What made the vectors, weights included: vectors of different names must not be compared."""

    def text(self, texts: Sequence[str]) -> Rows:
        """Unit rows float32 [n, d] of n texts."""

    def image(self, images: Sequence[Image]) -> Rows:
        """Unit rows float32 [n, d2] of n RGB images."""


class SceneEncoder(Protocol):
    """Turns views of a room into vectors, from colour or from depth alone: both lie in one space."""

    @property
    def name(self) -> str:
        """What made the vectors, weights included: vectors of different names must not be compared."""

    def rgb(self, images: Sequence[Image]) -> Rows:
        """Unit rows float32 [n, d] of n > 0 RGB pictures. Raises InputError for one that shows nothing."""

    def depth(self, depths: Sequence[Millimetres]) -> Rows:
        """Unit rows float32 [n, d] of n > 0 depth frames. Raises InputError for one that cannot be depth."""


class Expert(Protocol):
    """Answers a question about a frame. Raises ExpertError when it cannot be asked."""

    @property
    def name(self) -> str:
        """As it is recorded with each pair."""

    @property
    def teaches(self) -> bool:
        """Whether it may be learnt from. Where not its answers are said, and forgotten."""

    @property
    def cost(self) -> Cost:
        """What it has cost in this session; nothing, of one on this machine."""

    def ask(self, frame: Frame, question: str, turn: int) -> ExpertReply:
        """The answer to a session's question number `turn`, counted from 1."""

    def ask_more(self, frame: Frame, questions: Sequence[str]) -> list[ExpertReply]:
        """Answers to questions that nobody asked in the session, one each; none from who knows no more."""
