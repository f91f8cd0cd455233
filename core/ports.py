"""What a layer is handed because it may not import it: small protocols, without code."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
from PIL.Image import Image

Rows = npt.NDArray[np.float32]
"""Vectors of length 1, one a row."""


class Embedder(Protocol):
    """Turns questions and frames into vectors whose inner product says how alike they are."""

    @property
    def name(self) -> str:
        """What made the vectors, weights included: vectors of different names must not be compared."""
        ...

    def text(self, texts: Sequence[str]) -> Rows:
        """Unit rows float32 [n, d] of n texts."""
        ...

    def image(self, images: Sequence[Image]) -> Rows:
        """Unit rows float32 [n, d2] of n RGB images."""
        ...
