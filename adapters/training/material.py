"""Training material, made once: tower features of each picture, and the experts' signals."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from adapters.training.losses import renormalise
from core.files import storage_errors
from core.signal import TeacherSignal
from core.types import Example
from models.alignment import query_weights, resample_keys
from models.images import load_image
from models.precision import bfloat16_if_fast
from models.signal import vocabulary
from models.vlm import VisionLanguageModel, VisionTokens

_GAMMA, _CONTRAST, _GAIN, _BALANCE = (0.8, 1.25), (0.8, 1.2), (0.8, 1.2), (0.93, 1.07)
_NOISE = (0.0, 12.0)


def other_exposure(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Vary gamma, contrast, brightness, white balance and noise. Nothing moves: left stays left."""
    values = np.arange(256) / 255
    gain = rng.uniform(*_GAIN) * rng.uniform(*_BALANCE, (3, 1))
    table = ((values ** rng.uniform(*_GAMMA) - 0.5) * rng.uniform(*_CONTRAST) + 0.5) * gain
    table = (table.clip(0, 1) * 255).astype(np.float32)
    pixels = np.asarray(picture.convert("RGB"))
    exposed = np.stack([table[channel][pixels[..., channel]] for channel in range(3)], axis=-1)
    exposed = exposed + rng.normal(0, rng.uniform(*_NOISE), exposed.shape).astype(np.float32)
    return Image.fromarray(exposed.clip(0, 255).round().astype(np.uint8))


_MAX_PIXELS = 50_000_000
_AT_ONCE = 8


class Pictures:
    """Tower features of pictures, each as it is and in other exposures. No gradient."""

    def __init__(
        self,
        vlm: VisionLanguageModel,
        paths: Sequence[Path],
        views: int,
        rng: np.random.Generator,
        quick: bool = False,
    ) -> None:
        """`quick`: encoded in bfloat16 where that is faster."""
        self._places = {path: place for place, path in enumerate(dict.fromkeys(paths))}
        pictures = [load_image(path, _MAX_PIXELS) for path in self._places]
        versions = [_features(vlm, pictures, quick)]
        versions += [
            _features(vlm, [other_exposure(picture, rng) for picture in pictures], quick)
            for _ in range(views)
        ]
        self._features = torch.stack(versions)

    def plain(self, paths: Sequence[Path]) -> torch.Tensor:
        """Features of these pictures as they are, one row a path."""
        return self._features[0, self._at(paths)]

    def varied(self, paths: Sequence[Path], rng: np.random.Generator) -> torch.Tensor:
        """The same, each in a random exposure."""
        versions = torch.from_numpy(rng.integers(0, len(self._features), len(paths)))
        return self._features[versions.to(self._features.device), self._at(paths)]

    def _at(self, paths: Sequence[Path]) -> torch.Tensor:
        return torch.tensor([self._places[path] for path in paths], device=self._features.device)


def _features(vlm: VisionLanguageModel, pictures: Sequence[Image.Image], quick: bool) -> torch.Tensor:
    with bfloat16_if_fast(vlm.device) if quick else nullcontext():
        parts = [
            vlm.constant_features(vlm.prepare(pictures[start : start + _AT_ONCE]))
            for start in range(0, len(pictures), _AT_ONCE)
        ]
    return torch.cat(parts).to(vlm.dtype)


@dataclass(frozen=True)
class Teaching:
    """A signal in the student's shape: `attention` [words, cells], row sums 1 or 0; `ids`, `logprobs` [A, k].

    None for what the expert did not give or the student cannot use.
    """

    attention: torch.Tensor | None = None
    ids: torch.Tensor | None = None
    logprobs: torch.Tensor | None = None


def teaching(vlm: VisionLanguageModel, vision: VisionTokens, example: Example) -> Teaching:
    """Convert an example's signal for this student. Raises StorageError when the file is damaged.

    Log-probabilities are used only when both have the same vocabulary.
    """
    if example.signal is None:
        return Teaching()
    with storage_errors("read", example.signal):
        signal = TeacherSignal.from_bytes(example.signal.read_bytes())
    attention = _attention_map(vlm, vision, example.question, signal)
    usable = signal.vocabulary == vocabulary(vlm.tokenizer) and signal.top_ids.size
    if not usable or int(signal.top_ids.max()) >= len(vlm.tokenizer) or int(signal.top_ids.min()) < 0:
        return Teaching(attention)
    ids = torch.from_numpy(signal.top_ids.astype(np.int64)).to(vlm.device)
    return Teaching(attention, ids, torch.from_numpy(signal.top_logprobs.astype(np.float32)).to(vlm.device))


def _attention_map(
    vlm: VisionLanguageModel, vision: VisionTokens, question: str, signal: TeacherSignal
) -> torch.Tensor | None:
    if signal.attention is None:
        return None
    spans = [(int(begin), int(end)) for begin, end in signal.spans]
    weights = query_weights(vlm.question_spans(question), spans)
    maps = resample_keys(torch.from_numpy(signal.attention.astype(np.float32)), vision.rows, vision.cols)
    return renormalise(weights @ maps.flatten(1)).to(vlm.device)
