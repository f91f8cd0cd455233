"""One family for all chat models of transformers; what some need beyond it is in the files beside it.

The processor's chat template makes the prompt, the model's own `get_image_features` the vision tokens. Every
picture becomes one square grid, whatever its shape, so that views of a room stack.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from PIL.Image import Image, Resampling
from PIL.Image import new as new_image
from torch import nn

from core.errors import ModelError
from models.chat_processors import load_processor
from models.chat_wording import Wording, read_wording
from models.first_layer import first_layer_weights
from models.maps import FirstLayerAttention
from models.prompt import Prompt, plain
from models.sequences import Sequences
from models.single_stack import SingleStack
from models.vlm import VisionTokens
from models.weights import others_files

_LANGUAGE = "model.language_model"
_TOGETHER = "Put tokenizer, processor and weights of the same checkpoint together."


class ChatModel(SingleStack):
    """A model that needs no more than embeddings: InternVL, FastVLM and others like them.

    `most` is the largest number of vision tokens, for families that can see in more or less detail. Raises
    ModelError for a model or a processor that is made in another way.
    """

    def __init__(self, name: str, module: nn.Module, processor: Any, most: int) -> None:
        super().__init__(name, module, processor.image_processor, processor.tokenizer)
        self.processor = processor
        if not hasattr(self._model, "model") or not hasattr(self._model.model, "language_model"):
            raise ModelError(f"{name} has no language model of its own. Choose another model.")
        with others_files(f"The processor of {name} does not fit its model", _TOGETHER):
            self._side = self._picture_side(most)
            self._wording = self._read_wording()
            if self._image_id not in self._ids(self._wording.before):
                raise ModelError(
                    f"The processor of {name} makes no image tokens that the model knows. {_TOGETHER}"
                )
        stop = self._ids(self._wording.end)[:1]
        self._stop = stop[0] if stop and stop[0] in self.stop_ids else None

    @classmethod
    def read_processor(cls, name: str, folder: Path, kind: str) -> Any:
        """The processor for a checkpoint of this family, see `load_processor`."""
        return load_processor(name, folder, kind)

    def prepare(self, images: Sequence[Image]) -> torch.Tensor:
        """Pixels as the family's tower takes them, [B, ...]."""
        return torch.as_tensor(self._pictures(images)["pixel_values"]).to(self.device)

    def features(self, pixels: torch.Tensor) -> torch.Tensor:
        """What tower and projector make of pictures, [B, N, D]."""
        pixels = pixels.to(device=self.device, dtype=self._model.dtype)
        output = self._model.model.get_image_features(pixels, **self._tower_inputs(len(pixels)))
        return torch.stack(list(output.pooler_output))

    def project(self, features: torch.Tensor) -> VisionTokens:
        """The grid of each image, row by row; nothing is left to project."""
        side = math.isqrt(features.shape[1])
        if side * side != features.shape[1]:
            raise ModelError(
                f"{self.name} gives {features.shape[1]} vision tokens, which is no square grid. "
                "Choose another model."
            )
        return VisionTokens(features, side, side, mean_token=False)

    def first_layer_attention(
        self, vision: VisionTokens, questions: Sequence[str], everything: bool = False
    ) -> FirstLayerAttention:
        """See the base class."""
        sequences = self._sequences(vision, questions)
        ids, mask = sequences.padded(self._pad_id)
        inputs = {**self._inputs(ids, vision), "position_ids": self._positions(sequences)}
        weights = first_layer_weights(
            self._model,
            "self_attn",
            lambda: self._model(**inputs, attention_mask=mask, use_cache=False),
        )
        vis = ids == self._image_id
        begin = 0 if everything else int(vis.nonzero()[:, 1].max()) + 1
        rows = weights[:, :, begin:].float().mean(dim=1)
        image_attention = rows[vis.unsqueeze(1).expand_as(rows)].reshape(*rows.shape[:2], -1)
        return FirstLayerAttention(image_attention, sequences.words[:, begin:], mask.bool()[:, begin:])

    def lora_targets(self) -> list[str]:
        """All linear layers of the language model."""
        return [
            name
            for name, part in self.module.named_modules()
            if isinstance(part, nn.Linear) and name.startswith(f"{_LANGUAGE}.")
        ]

    def _ids(self, text: str) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    @property
    def _end_id(self) -> int | None:
        return super()._end_id if self._stop is None else self._stop

    def _picture_side(self, most: int) -> int | None:
        """Pixels a side that pictures get for at most so many tokens; None: as the processor does it."""
        return None

    def _tower_inputs(self, count: int) -> dict[str, Any]:
        """What the tower wants beside the pixels of so many pictures."""
        return {}

    def _pictures(self, images: Sequence[Image]) -> Any:
        """The image processor's output for pictures, each one tile."""
        side = self._side
        if side is not None:
            images = [image.resize((side, side), Resampling.BICUBIC) for image in images]
        return self.image_processor(list(images), return_tensors="pt", **self._picture_options())

    def _picture_options(self) -> dict[str, Any]:
        """How the image processor is called, so that a picture is one tile."""
        return {}

    def _picture_text(self) -> str:
        """The placeholders of one picture and what the processor puts around them."""
        side = self._side or 64
        pictures = self._pictures([new_image("RGB", (side, side))])
        return str(self.processor.replace_image_token(pictures, image_idx=0))

    def _read_wording(self) -> Wording:
        return read_wording(self.name, self.processor, self._picture_text())

    def _prompt(self, question: str, vision_tokens: int) -> Prompt:
        return self._wording.prompt(plain(question, self._markers))


class GemmaChat(ChatModel):
    """Gemma 3, in which a picture's tokens see each other."""

    def _inputs(
        self, ids: torch.Tensor, vision: VisionTokens, answers: torch.Tensor | None = None
    ) -> dict[str, Any]:
        types = (ids == self._image_id).long()
        return {**super()._inputs(ids, vision, answers), "token_type_ids": types}


class InternChat(ChatModel):
    """InternVL, whose processor would cut a picture into tiles."""

    def _picture_options(self) -> dict[str, Any]:
        return {"crop_to_patches": False}


class PrefixChat(ChatModel):
    """PaliGemma: picture and question see each other, an answer what is before it; positions from 1.

    It has no chat template: a question is a task with a language.
    """

    def _read_wording(self) -> Wording:
        return Wording(f"{self._picture_text()}{self.tokenizer.bos_token}answer en ", "\n")

    def _positions(self, sequences: Sequences, left: bool = False) -> torch.Tensor:
        return super()._positions(sequences, left) + 1

    def _inputs(
        self, ids: torch.Tensor, vision: VisionTokens, answers: torch.Tensor | None = None
    ) -> dict[str, Any]:
        types = torch.zeros_like(ids) if answers is None else answers.long()
        return {**super()._inputs(ids, vision, answers), "token_type_ids": types}
