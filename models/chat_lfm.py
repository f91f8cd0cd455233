"""LFM2-VL: its image processor needs torchvision; that of SigLIP 2, whose tower it has, does not."""

import math
from pathlib import Path
from typing import Any

import torch

from core.extras import load
from models.chat_model import ChatModel
from models.chat_processors import load_processor, read_options

_KEPT = ("image_mean", "image_std", "rescale_factor", "resample")


class LfmChat(ChatModel):
    """A picture of one tile; convolutions stand between the layers that attend."""

    @classmethod
    def read_processor(cls, name: str, folder: Path, kind: str) -> Any:
        """See the base class. Squares of whole patches are what both image processors leave as they are."""
        options = read_options(folder, "preprocessor_config.json")
        options = options or read_options(folder, "processor_config.json").get("image_processor", {})
        pictures = load("transformers:Siglip2ImageProcessorPil")(
            patch_size=options.get("encoder_patch_size", 16),
            **{key: options[key] for key in _KEPT if key in options},
        )
        pictures.downsample_factor = options.get("downsample_factor", 2)
        pictures.max_image_tokens = options.get("max_image_tokens", 256)
        return load_processor(name, folder, kind, pictures)

    def _picture_side(self, most: int) -> int:
        pictures = self.image_processor
        cells = math.isqrt(min(most, pictures.max_image_tokens))
        return int(cells * pictures.downsample_factor * pictures.patch_size)

    def _picture_options(self) -> dict[str, Any]:
        return {"max_num_patches": self._patches**2}

    @property
    def _patches(self) -> int:
        """Patches a side."""
        assert self._side is not None
        return int(self._side // self.image_processor.patch_size)

    def _tower_inputs(self, count: int) -> dict[str, Any]:
        side = self._patches
        return {
            "spatial_shapes": torch.full((count, 2), side, device=self.device),
            "pixel_attention_mask": torch.ones(count, side * side, dtype=torch.long, device=self.device),
        }

    def _picture_text(self) -> str:
        cells = (self._patches // self.image_processor.downsample_factor) ** 2
        processor = self.processor
        return f"{processor.image_start_token}{processor.image_token * cells}{processor.image_end_token}"
