"""Sentences about places as the built-in scene encoders were taught them."""

from collections.abc import Callable, Sequence

import numpy as np

from core.ports import Rows
from models.scene.names import GENERIC, prompts


class Words:
    """A text encoder's sentences less what is common to all places: what is left tells places apart.

    Sentences about any two places are much alike to MiniLM; a student that is off by a little would find all
    classes in the same direction.
    """

    def __init__(self, text: Callable[[list[str]], Rows]) -> None:
        self._text = text
        self._middle = text(prompts(GENERIC)).mean(0)

    def text(self, texts: Sequence[str]) -> Rows:
        """Unit rows float32 [n, d]."""
        moved = self._text(list(texts)) - self._middle
        rows: Rows = (moved / np.linalg.norm(moved, axis=1, keepdims=True).clip(1e-6)).astype(np.float32)
        return rows
