"""Embeddings of questions and frames, which memory compares by cosine.

all-MiniLM-L6-v2, whose weights come as a package, reads questions; the student's own vision tower reads
frames. Adapting never changes the tower, so embeddings outlive adapters.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import nn
from transformers import AutoTokenizer, BertModel, PreTrainedTokenizerBase

from core.ports import Rows
from models.minilm_files import DIGEST, INSTALL, check_minilm, minilm_folder
from models.registry import load_model, model_folder, no_progress_bars
from models.vlm import VisionLanguageModel
from models.weights import digest, others_files

_LONGEST = 256  # tokens; what the model was trained with
_PATCHES = 2  # a side


class MiniLM:
    """Sentences as unit vectors of 384 numbers. Load it with `load_minilm`; one thread at a time."""

    name = f"all-minilm-l6-v2:{DIGEST[:12]}"

    def __init__(self, module: nn.Module, tokenizer: PreTrainedTokenizerBase) -> None:
        self._module, self._tokenizer = module, tokenizer

    def text(self, texts: Sequence[str]) -> Rows:
        """Unit rows float32 [n, 384] of n > 0 texts: the mean of each text's token vectors."""
        inputs = self._tokenizer(
            list(texts), padding=True, truncation=True, max_length=_LONGEST, return_tensors="pt"
        )
        with torch.inference_mode():
            hidden = self._module(**inputs).last_hidden_state
            mask = inputs["attention_mask"][..., None]
            return _unit((hidden * mask).sum(1) / mask.sum(1))


def load_minilm(folder: Path | None = None) -> MiniLM:
    """The text embedder from the installed package, or from a copy of its model folder.

    Raises MissingDependencyError when the package is not here, WeightsError when it holds other weights.
    """
    folder = minilm_folder() if folder is None else folder
    check_minilm(folder)
    with others_files(f"The text embedder in {folder} is damaged", INSTALL), no_progress_bars():
        module: Any = BertModel.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, use_safetensors=True
        )
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    module.eval()
    return MiniLM(module, tokenizer)


class StudentEyes:
    """Frames as unit vectors, as a model's vision tower sees them.

    All pictures have similar features, so a row holds how a frame's quarters differ from the whole: on
    rendered rooms that tells views apart best. A plain picture has a row of zeros. One thread at a time.
    """

    def __init__(self, model: VisionLanguageModel, weights: str) -> None:
        self._model = model
        self.name = f"eyes:{weights[:12]}"

    def image(self, images: Sequence[Image.Image]) -> Rows:
        """Unit rows float32 [n, 4 C] of n > 0 RGB images, C being the tower's width."""
        return self.features(self._model.constant_features(self._model.prepare(images)))

    def sees_as(self, model: VisionLanguageModel) -> bool:
        """Whether this is the tower of that very model, so that its features serve here too."""
        return self._model is model

    def features(self, features: torch.Tensor) -> Rows:
        """The same rows from the model's `features` of prepared images."""
        quarters = _quarters(features)
        return _unit((quarters - quarters.mean(2, keepdim=True)).flatten(1))


class RoomEmbedder:
    """MiniLM for questions and the student's eyes for frames: the `Embedder` of a memory."""

    def __init__(self, sentences: MiniLM, eyes: StudentEyes) -> None:
        self.sentences, self.eyes = sentences, eyes
        self.name = f"{sentences.name}+{eyes.name}"

    def text(self, texts: Sequence[str]) -> Rows:
        """Unit rows float32 [n, 384]."""
        return self.sentences.text(texts)

    def image(self, images: Sequence[Image.Image]) -> Rows:
        """Unit rows float32 [n, d], d depending on the student."""
        return self.eyes.image(images)


def room_embedder(model: VisionLanguageModel) -> RoomEmbedder:
    """The embedder of a room with the student `model`. Raises MissingDependencyError, WeightsError."""
    return RoomEmbedder(load_minilm(), StudentEyes(model, digest(model_folder(model.name))))


def load_embedder(student: str) -> RoomEmbedder:
    """The same for a student that is not loaded yet. Raises also UnknownModelError."""
    return room_embedder(load_model(student))


def _quarters(features: torch.Tensor) -> torch.Tensor:
    """Means [B, C, 4] over the quarters of a grid of features [B, C, rows, cols] or [B, patches, C]."""
    if features.ndim == 3:
        side = math.isqrt(features.shape[1])
        shape = (side, side) if side * side == features.shape[1] else (-1, 1)
        features = features.transpose(1, 2).unflatten(2, shape)
    return nn.functional.adaptive_avg_pool2d(features.float(), _PATCHES).flatten(2).cpu()


def _unit(rows: torch.Tensor) -> Rows:
    # Numbers that are only rounding errors of nothing must not be blown up to length 1.
    return nn.functional.normalize(rows.float(), dim=-1, eps=1e-4).cpu().numpy()
