"""A network that sees, from disk, with its maps: a vision transformer, or what a VLM has in its place.

Of CLIP, SigLIP, ViT, DeiT or DINOv2 the tower itself; of LLaVA and SmolVLM theirs. DaViT (Florence-2, the
built-in pair) has neither a class token nor a map over the whole picture: there it is the language encoder,
rows being the question's words and columns the picture's cells.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL.Image import Image
from safetensors import SafetensorError
from transformers import AutoImageProcessor, AutoModel

from core.errors import InputError, ModelError, WeightsError
from models.inside.looks import check_size, forced_with_maps
from models.inside.towers import hearing, tower_of
from models.quiet import no_progress_bars
from models.registry import load_model, model_folder
from models.vlm import VisionLanguageModel
from models.weights import check_files, read_config

_TOWERS = ("clip", "clip_vision_model", "siglip", "siglip_vision_model", "vit", "deit", "dinov2")
CLASS, RECEIVED, WORDS = "class token", "mean of all patches", "the question's words"


@dataclass(frozen=True)
class Attention:
    """One picture's maps, heads averaged: `layers` [L, S, S], rows sum to 1.

    `looking` [S] bool are the rows that are read, `cells` the S places of `grid`, row by row.
    """

    layers: torch.Tensor
    looking: torch.Tensor
    cells: torch.Tensor
    grid: tuple[int, int]


class Tower:
    """A network by a model's name or folder. Raises UnknownModelError, WeightsError, ModelError."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._vlm: VisionLanguageModel | None = None
        kind = str(read_config(model_folder(name)).get("model_type"))
        if kind in _TOWERS:
            self._module, self._processor = _load_tower(model_folder(name))
            self.rows = CLASS if kind not in ("siglip", "siglip_vision_model") else RECEIVED
            return
        self._vlm = load_model(name)
        tower = tower_of(self._vlm)
        self._module, self._processor = tower, None
        if self._vlm.family == "florence2":
            self.rows = WORDS
        elif tower is None:
            raise ModelError(f"{name} has no tower that is known here. Give a ViT, CLIP or SigLIP folder.")
        else:
            self.rows = CLASS if self._vlm.family == "llava" else RECEIVED

    def attention(self, picture: Image, question: str) -> Attention:
        """Its maps of a picture. Raises InputError for a picture smaller than the grid, QuestionError."""
        if self.rows == WORDS:
            return self._attention_of_words(picture, question)
        with torch.inference_mode(), hearing(self._module) as maps:
            pixels = self._prepare(picture)
            self._module(pixel_values=pixels)
        maps_over_tokens = [layer for layer in maps if layer.kind == "tokens"]
        if not maps_over_tokens:
            raise ModelError(f"{self.name} gives no maps over the whole picture. Give a ViT folder.")
        layers = torch.stack([layer.attention[0].mean(dim=0) for layer in maps_over_tokens])
        return self._arrange(layers, picture)

    def _prepare(self, picture: Image) -> torch.Tensor:
        if self._vlm is not None:
            return self._vlm.prepare([picture])
        assert self._processor is not None
        pixels: torch.Tensor = self._processor([picture], return_tensors="pt")["pixel_values"]
        return pixels

    def _arrange(self, layers: torch.Tensor, picture: Image) -> Attention:
        """Patches are the last square number of tokens; what stands before them are special ones."""
        count = layers.shape[-1]
        side = int(count**0.5)
        special = count - side * side
        if picture.width < side or picture.height < side:
            raise InputError(
                f"The picture has {picture.width} x {picture.height} pixels, fewer than the {side} x {side} "
                f"patches of {self.name}. Give a larger one."
            )
        place = torch.arange(count)
        looking = place == 0 if self.rows == CLASS and special else place >= special
        return Attention(layers, looking, place >= special, (side, side))

    def _attention_of_words(self, picture: Image, question: str) -> Attention:
        vlm = self._vlm
        assert vlm is not None
        vision = vlm.encode_images([picture])
        check_size(picture, vision, self.name)
        forced = forced_with_maps(vlm, vision, question, "")
        layers = torch.stack([attention[0].float().mean(dim=0) for attention in forced.attentions])
        cells = forced.vis[0].clone()
        cells[forced.vis[0].nonzero()[: int(vision.mean_token), 0]] = False
        return Attention(layers, forced.txt[0], cells, (vision.rows, vision.cols))


def _load_tower(folder: Path) -> tuple[Any, Any]:
    check_files(folder)
    try:
        with no_progress_bars():
            # In half precision a processor takes many times as long.
            model = AutoModel.from_pretrained(
                folder, local_files_only=True, use_safetensors=True, dtype=torch.float32
            )
        processor = AutoImageProcessor.from_pretrained(folder, backend="pil", local_files_only=True)
    except (SafetensorError, RuntimeError, OSError, ValueError, TypeError, KeyError, ImportError) as error:
        raise WeightsError(f"{folder} cannot be read ({error}). Get the whole checkpoint again.") from error
    maps_over_tokens: Any = model
    tower = getattr(
        maps_over_tokens, "vision_model", maps_over_tokens
    )  # of CLIP and SigLIP, which read text as well
    tower.eval()
    return tower, processor
