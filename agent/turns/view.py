"""A frame as the student sees it, encoded once for memory and for the answer."""

from collections import OrderedDict
from functools import cached_property

import torch
from PIL.Image import Image

from core.ports import Embedder
from core.types import Frame
from memory.index import Cue
from memory.recall import embed_cue
from models.embedder import RoomEmbedder
from models.vlm import VisionLanguageModel, VisionTokens

_MOST = 16


class EncodedView:
    """One picture, encoded when first needed. The vision tower never adapts."""

    def __init__(self, student: VisionLanguageModel, picture: Image) -> None:
        self._student, self._picture = student, picture

    @property
    def vision(self) -> VisionTokens:
        """Vision tokens projected with the current adapter; no gradient."""
        with torch.no_grad():
            return self._student.project(self._features)

    def cue(self, embedder: Embedder, question: str) -> Cue:
        """The cue to search memory by. An embedder with another vision tower encodes the picture itself."""
        if not (isinstance(embedder, RoomEmbedder) and embedder.eyes.sees_as(self._student)):
            return embed_cue(embedder, question, self._picture)
        return Cue(embedder.text([question])[0], embedder.eyes.features(self._features)[0])

    @cached_property
    def _features(self) -> torch.Tensor:
        return self._student.constant_features(self._student.prepare([self._picture]))


class Views:
    """The views of the last frames: one that was seen is not encoded again, whatever adapter came since."""

    def __init__(self, student: VisionLanguageModel, most: int = _MOST) -> None:
        self._student, self._most = student, most
        self._views: OrderedDict[str, EncodedView] = OrderedDict()

    def of(self, frame: Frame) -> EncodedView:
        """The view of a frame."""
        view = self._views.setdefault(frame.name, EncodedView(self._student, frame.picture))
        self._views.move_to_end(frame.name)
        if len(self._views) > self._most:
            self._views.popitem(last=False)
        return view
