"""What training reads, made once: the tower's features of each picture, and the experts' signals."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from adapters.losses import renormalised
from adapters.views import other_exposure
from core.files import storage_errors
from core.pictures import load_image
from core.signal import TeacherSignal
from core.types import Example
from models.alignment import query_weights, resample_keys
from models.signal import vocabulary
from models.vlm import VisionLanguageModel, VisionTokens

_MAX_PIXELS = 50_000_000
_AT_ONCE = 8


class Pictures:
    """Tower features of pictures, each as it is and in some other exposures. Frozen; no gradient."""

    def __init__(
        self, vlm: VisionLanguageModel, paths: Sequence[Path], views: int, rng: np.random.Generator
    ) -> None:
        self._places = {path: place for place, path in enumerate(dict.fromkeys(paths))}
        shown = [load_image(path, _MAX_PIXELS) for path in self._places]
        versions = [_features(vlm, shown)]
        versions += [_features(vlm, [other_exposure(one, rng) for one in shown]) for _ in range(views)]
        self._features = torch.stack(versions)

    def plain(self, paths: Sequence[Path]) -> torch.Tensor:
        """Features of these pictures as they are, one row a path."""
        return self._features[0, self._at(paths)]

    def varied(self, paths: Sequence[Path], rng: np.random.Generator) -> torch.Tensor:
        """The same, each in an exposure drawn for it."""
        versions = torch.from_numpy(rng.integers(0, len(self._features), len(paths)))
        return self._features[versions.to(self._features.device), self._at(paths)]

    def _at(self, paths: Sequence[Path]) -> torch.Tensor:
        return torch.tensor([self._places[path] for path in paths], device=self._features.device)


def _features(vlm: VisionLanguageModel, pictures: Sequence[Image.Image]) -> torch.Tensor:
    parts = [
        vlm.constant_features(vlm.prepare(pictures[start : start + _AT_ONCE]))
        for start in range(0, len(pictures), _AT_ONCE)
    ]
    return torch.cat(parts)


@dataclass(frozen=True)
class Teaching:
    """A signal in the student's shape: `looked` [words, cells], rows sum to 1 or 0; `ids`, `logprobs` [A, k].

    None for what the expert did not give or the student cannot use.
    """

    looked: torch.Tensor | None = None
    ids: torch.Tensor | None = None
    logprobs: torch.Tensor | None = None


def teaching(vlm: VisionLanguageModel, vision: VisionTokens, example: Example) -> Teaching:
    """What an example's signal can teach this student. Raises StorageError when the file is damaged.

    Log-probabilities are used only when ids mean the same to both.
    """
    if example.signal is None:
        return Teaching()
    with storage_errors("read", example.signal):
        signal = TeacherSignal.from_bytes(example.signal.read_bytes())
    looked = _looked(vlm, vision, example.question, signal)
    usable = signal.vocabulary == vocabulary(vlm.tokenizer) and signal.top_ids.size
    if not usable or int(signal.top_ids.max()) >= len(vlm.tokenizer) or int(signal.top_ids.min()) < 0:
        return Teaching(looked)
    ids = torch.from_numpy(signal.top_ids.astype(np.int64)).to(vlm.device)
    return Teaching(looked, ids, torch.from_numpy(signal.top_logprobs.astype(np.float32)).to(vlm.device))


def _looked(
    vlm: VisionLanguageModel, vision: VisionTokens, question: str, signal: TeacherSignal
) -> torch.Tensor | None:
    if signal.attention is None:
        return None
    spans = [(int(begin), int(end)) for begin, end in signal.spans]
    weights = query_weights(vlm.question_spans(question), spans)
    maps = resample_keys(torch.from_numpy(signal.attention.astype(np.float32)), vision.rows, vision.cols)
    return renormalised(weights @ maps.flatten(1)).to(vlm.device)
