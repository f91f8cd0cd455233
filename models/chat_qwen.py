"""Qwen's vision models: pictures of any size, and positions with time, row and column (M-RoPE)."""

import math
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import torch
from PIL.Image import Image

from models.chat_model import ChatModel
from models.sequences import Sequences
from models.vlm import VisionTokens


class QwenChat(ChatModel):
    """Qwen2-VL and Qwen2.5-VL."""

    def prepare(self, images: Sequence[Image]) -> torch.Tensor:
        """Pixels [B, patches, values of a patch]."""
        patches = super().prepare(images)
        return patches.reshape(len(images), -1, patches.shape[-1])

    def features(self, pixels: torch.Tensor) -> torch.Tensor:
        """What tower and merger make of pictures, [B, N, D * (1 + layers)], from all patches in one row."""
        patches = pixels.to(device=self.device, dtype=self._model.dtype).flatten(0, 1)
        grids = self._grid().expand(len(pixels), -1)
        output = self._model.model.get_image_features(patches, image_grid_thw=grids)
        # Tokens and, behind them, deep features.
        layers = [output.pooler_output, *(getattr(output, "deepstack_features", None) or [])]
        return torch.cat([torch.stack(list(layer)) for layer in layers], dim=-1)

    def _picture_side(self, most: int) -> int:
        """See the base class. Several patches become one token."""
        return int(self.image_processor.patch_size * self.image_processor.merge_size * math.isqrt(most))

    def _picture_options(self) -> dict[str, Any]:
        assert self._side is not None
        pixels = self._side * self._side
        return {"size": {"shortest_edge": pixels, "longest_edge": pixels}}

    def _grid(self) -> torch.Tensor:
        """Frames, rows and columns of patches, [1, 3]."""
        assert self._side is not None
        patches = self._side // self.image_processor.patch_size
        return torch.tensor([[1, patches, patches]], device=self.device)

    def _placed(self, sequences: Sequences) -> Sequences:
        """Places [S, 3] of each row, from the model's own code."""
        return replace(sequences, places=[self._places(row) for row in sequences.rows])

    def _places(self, row: torch.Tensor) -> torch.Tensor:
        types = (row == self._image_id).int()
        positions, _ = self._model.model.get_rope_index(
            row.unsqueeze(0), mm_token_type_ids=types.unsqueeze(0), image_grid_thw=self._grid()
        )
        places: torch.Tensor = positions[:, 0].T
        return places

    def _positions(self, sequences: Sequences, left: bool = False) -> torch.Tensor:
        return super()._positions(sequences, left).permute(2, 0, 1)


class DeepQwenChat(QwenChat):
    """Qwen3-VL, whose first layers add features of the tower's inner layers: they ride as more channels."""

    def _inputs(
        self, ids: torch.Tensor, vision: VisionTokens, answers: torch.Tensor | None = None
    ) -> dict[str, Any]:
        tokens = vision.for_questions(len(ids))
        shown = tokens.flatten(0, 1) if vision.kept is None else tokens[vision.places(len(ids)) >= 0]
        parts = shown.split(self._model.config.get_text_config().hidden_size, dim=-1)
        deep = [[part] for part in parts[1:]]
        output = SimpleNamespace(pooler_output=[parts[0]], deepstack_features=deep)
        return {"input_ids": ids, "mm_encoder_outputs": {"image": output}}
