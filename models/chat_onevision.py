"""LLaVA-OneVision: a token ends the picture, and each picture is one tile, as in its videos."""

from collections.abc import Sequence
from typing import Any

import torch
from PIL.Image import Image

from models.chat_model import ChatModel
from models.vlm import VisionTokens


class OneVisionChat(ChatModel):
    """A picture that is one of several is not cut into tiles, so one alone is shown twice."""

    def prepare(self, images: Sequence[Image]) -> torch.Tensor:
        """Pixels [B, 3, height, width]."""
        return super().prepare(images)[: len(images), 0]

    def features(self, pixels: torch.Tensor) -> torch.Tensor:
        """Without the token that ends the picture, which is always the same."""
        return super().features(pixels)[:, :-1]

    def _pictures(self, images: Sequence[Image]) -> Any:
        several = [*images, images[0]] if len(images) == 1 else list(images)
        return self.image_processor([several], return_tensors="pt")

    def _tower_inputs(self, count: int) -> dict[str, Any]:
        sizes = torch.ones(count, 2, dtype=torch.long, device=self.device)
        return {"image_sizes": sizes, "batch_num_images": torch.tensor([count + 1])}

    def _picture_text(self) -> str:
        """The last placeholder, of the token that ends the picture, is that of videos, not used elsewhere."""
        token, end = str(self.processor.image_token), str(self.processor.video_token)
        return super()._picture_text().removesuffix(token) + end

    def _embeds(self, ids: torch.Tensor, vision: VisionTokens) -> torch.Tensor:
        ends = (ids == self._model.config.video_token_id).unsqueeze(-1)
        embeds = super()._embeds(ids, vision)
        return torch.where(ends, self._model.model.image_newline.to(embeds.dtype), embeds)
