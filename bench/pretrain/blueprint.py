"""New models of the Florence-2 architecture at any size, and saving them in the hub's own layout.

A saved folder is an ordinary checkpoint: `Florence2ForConditionalGeneration.from_pretrained(folder)` and
`AutoProcessor.from_pretrained(folder)` read it without any code of ours.
"""

import copy
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import (
    BartConfig,
    Florence2Config,
    Florence2ForConditionalGeneration,
    Florence2Processor,
    PreTrainedTokenizerBase,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from core.files import atomic_directory, atomic_write_text, storage_errors
from models.registry import no_progress_bars
from models.weights import DIGEST_FILE, digest

_HEAD_WIDTH = 32
_OFFSET = 2  # rows that learned BART positions keep before the first place
_PLACE_SCALE = 0.7


@dataclass(frozen=True)
class Blueprint:
    """The sizes of a model; with a tokenizer and a seed it determines every weight.

    The strides of the tower's four stages decide how many vision tokens the language model reads: 144 pixels
    with strides (4, 2, 2, 1) give a 9 x 9 grid and 82 tokens (the grid and its mean), (4, 2, 3, 1) give 37.
    Choose a `window_size` that divides every stage's grid: the class pads the rest with zeros and attends to
    them. 0 heads mean heads of about 32 channels.
    """

    image_size: int
    vision_dims: tuple[int, int, int, int]
    vision_depths: tuple[int, int, int, int]
    d_model: int
    encoder_layers: int
    decoder_layers: int
    patch_sizes: tuple[int, int, int, int] = (7, 3, 3, 3)
    patch_strides: tuple[int, int, int, int] = (4, 2, 2, 1)
    window_size: int = 9
    attention_heads: int = 0
    ffn_dim: int = 0
    """Width of the language model's feed-forward layers; 0 means four times `d_model`."""
    decoder_ffn_dim: int = 0
    """The same for the decoder alone, which reads few tokens; 0 means as `ffn_dim`."""
    max_positions: int = 512
    dropout: float = 0.0

    @property
    def grids(self) -> tuple[int, ...]:
        """Cells along one side of the square picture after each stage."""
        sides, side = [], self.image_size
        for size, stride in zip(self.patch_sizes, self.patch_strides, strict=True):
            side = (side + 2 * (size // 2) - size) // stride + 1
            sides.append(side)
        return tuple(sides)

    @property
    def vision_tokens(self) -> int:
        """Vision tokens a picture: the mean of all cells first, then the cells row by row."""
        return self.grids[-1] ** 2 + 1

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON has them."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Blueprint":
        """What `to_dict` gave, also after a trip through JSON."""
        fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        return cls(**fields)


def new_model(
    blueprint: Blueprint, tokenizer: PreTrainedTokenizerBase, seed: int, attention: str = "sdpa"
) -> Florence2ForConditionalGeneration:
    """A model with random weights in float32, in evaluation mode; the same seed gives the same weights.

    The global random state is left as it was.
    """
    config = _model_config(blueprint, tokenizer)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: Florence2ForConditionalGeneration = Florence2ForConditionalGeneration._from_config(
            config, attn_implementation=attention
        )
    # Hub checkpoints force <s> as the first word; ours answer at once, which saves a step each time.
    model.generation_config.forced_bos_token_id = None
    model.generation_config.forced_eos_token_id = None
    _place_vision_tokens(model, blueprint.grids[-1])
    model.eval()
    return model


@torch.no_grad()
def _place_vision_tokens(model: Any, grid: int) -> None:
    """Write the positions of vision tokens at the scale of their features, which is about 1.

    Positions as small as those of words (0.02) drown in them, and "left" is never learnt.
    """
    projector = model.model.multi_modal_projector.image_position_embed
    for axis in (projector.column_embeddings, projector.row_embeddings):
        axis.weight[:grid] = waves(grid, axis.weight.shape[1])
    places = model.model.language_model.encoder.embed_positions.weight
    columns, rows = places.shape[1] // 2, places.shape[1] - places.shape[1] // 2
    down = waves(grid, rows)[:, None].expand(grid, grid, -1)
    across = waves(grid, columns)[None, :].expand(grid, grid, -1)
    cells = torch.cat([down, across], dim=-1)
    first = _OFFSET + 1  # the mean token, which is nowhere, comes before the cells
    places[first : first + grid * grid] = cells.reshape(grid * grid, -1)


def waves(count: int, width: int) -> torch.Tensor:
    """Sines and cosines of `count` places along a line, [count, width]: from half a turn to one per place."""
    turns = math.pi * torch.linspace(1.0, count, math.ceil(width / 2))
    angles = torch.outer((torch.arange(count) + 0.5) / count, turns)
    return _PLACE_SCALE * torch.cat([angles.sin(), angles.cos()], dim=1)[:, :width]


def new_processor(blueprint: Blueprint, tokenizer: PreTrainedTokenizerBase) -> Florence2Processor:
    """The Florence-2 processor for such models: any photo is squashed to the square the tower sees.

    Pixels are scaled to [-1, 1]. The PIL backend is named outright, so torchvision is not needed.
    """
    image_processor = CLIPImageProcessorPil(
        size={"height": blueprint.image_size, "width": blueprint.image_size},
        do_center_crop=False,
        image_mean=[0.5, 0.5, 0.5],
        image_std=[0.5, 0.5, 0.5],
        image_seq_length=blueprint.vision_tokens,
    )
    return Florence2Processor(image_processor=image_processor, tokenizer=tokenizer)


def save_model(
    model: Florence2ForConditionalGeneration,
    processor: Florence2Processor,
    directory: Path,
    dtype: torch.dtype = torch.float32,
) -> None:
    """Write model, processor and a digest to `directory`, whole or not at all; an old one is replaced.

    The numbers are stored as `dtype`; the configuration says float32, in which processors without half
    precision compute faster and better. The model itself is not touched. Raises StorageError.
    """
    stored: Any = copy.deepcopy(model)
    stored.to(dtype=dtype, memory_format=torch.contiguous_format)
    with (
        storage_errors("write", directory),
        atomic_directory(directory, replace=True, shared=True) as temporary,
    ):
        with no_progress_bars():
            stored.save_pretrained(temporary)
        processor.save_pretrained(temporary)
        config_file = temporary / "config.json"
        config = json.loads(config_file.read_text(encoding="utf-8"))
        for part in (config, config["text_config"], config["vision_config"]):
            part["dtype"] = "float32"
        atomic_write_text(config_file, json.dumps(config, indent=2, sort_keys=True) + "\n")
        atomic_write_text(temporary / DIGEST_FILE, digest(temporary) + "\n")


def _model_config(blueprint: Blueprint, tokenizer: PreTrainedTokenizerBase) -> Florence2Config:
    names = [f"{name}_token_id" for name in ("bos", "pad", "eos", "image")]
    ids: dict[str, Any] = {name: getattr(tokenizer, name) for name in names}
    text = _text_config(blueprint, tokenizer).to_dict()
    return Florence2Config(vision_config=_vision_config(blueprint), text_config=text, **ids)


def _vision_config(blueprint: Blueprint) -> dict[str, Any]:
    heads = [_heads(dim) for dim in blueprint.vision_dims]
    return {
        "embed_dim": list(blueprint.vision_dims),
        "depths": list(blueprint.vision_depths),
        "patch_size": list(blueprint.patch_sizes),
        "patch_stride": list(blueprint.patch_strides),
        "patch_padding": [size // 2 for size in blueprint.patch_sizes],
        "num_heads": heads,
        "num_groups": heads,
        "window_size": blueprint.window_size,
        "drop_path_rate": 0.0,
        "projection_dim": blueprint.d_model,
        "max_position_embeddings": max(50, blueprint.grids[-1]),
    }


def _text_config(blueprint: Blueprint, tokenizer: PreTrainedTokenizerBase) -> BartConfig:
    heads = blueprint.attention_heads or _heads(blueprint.d_model)
    width = blueprint.ffn_dim or 4 * blueprint.d_model
    return BartConfig(
        vocab_size=len(tokenizer),
        max_position_embeddings=blueprint.max_positions,
        d_model=blueprint.d_model,
        encoder_layers=blueprint.encoder_layers,
        decoder_layers=blueprint.decoder_layers,
        encoder_attention_heads=heads,
        decoder_attention_heads=heads,
        encoder_ffn_dim=width,
        decoder_ffn_dim=blueprint.decoder_ffn_dim or width,
        dropout=blueprint.dropout,
        attention_dropout=0.0,  # dropped weights would be distilled as if they were attention
        activation_dropout=0.0,
        bos_token_id=tokenizer.bos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        decoder_start_token_id=tokenizer.eos_token_id,
        forced_eos_token_id=None,
    )


def _heads(width: int) -> int:
    """The most heads of at least 32 channels each that divide the width, at least one."""
    return next((heads for heads in range(width // _HEAD_WIDTH, 1, -1) if width % heads == 0), 1)
