"""A network that sees, and its attention from layer to layer: each layer's own map, and rollouts up to it.

Of CLIP, SigLIP, ViT, DeiT or DINOv2 the tower itself; of LLaVA and SmolVLM theirs. DaViT (Florence-2, the
built-in pair) has neither a class token nor a map over the whole picture: there it is the language encoder,
rows being the question's words and columns the picture's cells.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL.Image import Image
from safetensors import SafetensorError
from transformers import AutoImageProcessor, AutoModel

from bench.measure.alike import entropy, jensen_shannon, spearman, top_overlap
from core.errors import InputError, ModelError, WeightsError
from models.alignment import resample_keys
from models.inside.attention import check_size, rollouts, teacher_forced_with_maps
from models.inside.towers import recording_maps, tower_of
from models.registry import load_model, model_folder, no_progress_bars
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
        with torch.inference_mode(), recording_maps(self._module) as maps:
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
        forced = teacher_forced_with_maps(vlm, vision, question, "")
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
                folder,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                dtype=torch.float32,
            )
        processor = AutoImageProcessor.from_pretrained(
            folder, backend="pil", local_files_only=True, trust_remote_code=False
        )
    except (SafetensorError, RuntimeError, OSError, ValueError, TypeError, KeyError, ImportError) as error:
        raise WeightsError(f"{folder} cannot be read ({error}). Get the whole checkpoint again.") from error
    maps_over_tokens: Any = model
    tower = getattr(
        maps_over_tokens, "vision_model", maps_over_tokens
    )  # of CLIP and SigLIP, which read text as well
    tower.eval()
    return tower, processor


OWN, RESIDUAL, LITERAL = "layer's own", "rollout", "rollout, no residual"
KINDS = (OWN, RESIDUAL, LITERAL)
AGREEMENTS = {"js": jensen_shannon, "spearman": spearman, "top 20 % overlap": top_overlap}


@dataclass(frozen=True)
class Flow:
    """Of one picture in one network, by kind.

    `maps` [L, rows, cols] of the rows that look, each summing to 1; `entropies` [L] of them; `apart` [L],
    how much the maps of single rows differ from their mean: Jensen-Shannon in bits, 0 where all look alike.
    """

    maps: Mapping[str, NDArray[np.float64]]
    entropies: Mapping[str, NDArray[np.float64]]
    apart: Mapping[str, NDArray[np.float64]]


def flow(attention: Attention) -> Flow:
    """Every kind of map. Rollouts go through special tokens and words as well, which are left out after."""
    layers = list(attention.layers[:, None, None])  # [1, 1, S, S] each: one picture, heads averaged before
    stacks = {
        OWN: attention.layers,
        RESIDUAL: torch.stack(rollouts(layers))[:, 0],
        LITERAL: torch.stack(rollouts(layers, residual=False))[:, 0],
    }
    maps, entropies, apart = {}, {}, {}
    for kind, whole in stacks.items():
        cells = whole[:, :, attention.cells].double()
        shares = cells / cells.sum(dim=-1, keepdim=True).clamp(min=1e-12)
        mean_map = shares[:, attention.looking].mean(dim=1)
        maps[kind] = mean_map.unflatten(-1, attention.grid).numpy()
        entropies[kind] = entropy(mean_map)
        apart[kind] = _divergence(shares).numpy()
    return Flow(maps, entropies, apart)


def _divergence(shares: torch.Tensor) -> torch.Tensor:
    """[L]: the mean divergence of rows [L, S, N] from their mean, which is their Jensen-Shannon, in bits."""
    mean = shares.mean(dim=1, keepdim=True).clamp(min=1e-12)
    rows = torch.special.xlogy(shares, shares) - shares * mean.log()
    apart: torch.Tensor = rows.sum(dim=-1).mean(dim=-1) / float(np.log(2))
    return apart


def paired_depths(ours: int, theirs: int) -> list[int]:
    """For each of our layers theirs at the nearest relative depth, l / (L - 1)."""
    return [round(layer / max(1, ours - 1) * (theirs - 1)) for layer in range(ours)]


def agreement(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """By measure [L]: our maps [L, rows, cols] with theirs at the same depth, over the coarser grid."""
    grid = min(ours.shape[1], theirs.shape[1]), min(ours.shape[2], theirs.shape[2])
    mine, other = (resample_keys(torch.as_tensor(maps), *grid).numpy() for maps in (ours, theirs))
    pairs = list(enumerate(paired_depths(len(mine), len(other))))
    return {
        name: np.array([measure(mine[layer], other[deeper]) for layer, deeper in pairs])
        for name, measure in AGREEMENTS.items()
    }
