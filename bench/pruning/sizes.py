"""Models of published sizes with random weights, in the hub's layout: time depends on shapes alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from bench.pretrain.blueprint import Blueprint, new_model, new_processor, save_model
from bench.pretrain.vocabulary import train_tokenizer
from core.errors import InputError
from core.files import atomic_directory, storage_errors
from core.text import did_you_mean
from models.registry import no_progress_bars

_TEXTS = ("What colour is the sofa?", "How many chairs are there?", "a red lamp on the table", "two")
_VOCABULARY = 51_289
"""Florence-2's. Our tokenizer knows few of these words; the others have rows in the table all the same."""

FLORENCE_BASE = Blueprint(
    image_size=768,
    vision_dims=(128, 256, 512, 1024),
    vision_depths=(1, 1, 9, 1),
    d_model=768,
    encoder_layers=6,
    decoder_layers=6,
    patch_strides=(4, 2, 2, 2),
    window_size=12,
    attention_heads=12,
    max_positions=1024,
)
"""microsoft/Florence-2-base: 0.23 B parameters, 24 x 24 cells and their mean, 577 vision tokens."""


def write_size(size: str, folder: Path, seed: int) -> Path:
    """Write the model to a new folder. Raises InputError for a size that is not known, StorageError."""
    if size not in SIZES:
        raise InputError(f"There is no size {size!r}. {did_you_mean(size, sorted(SIZES))}")
    if folder.exists():
        raise InputError(f"{folder} is there already. Use it with --model, or give another folder.")
    SIZES[size](folder, seed)
    return folder


def _florence(folder: Path, seed: int) -> None:
    tokenizer = train_tokenizer(_TEXTS, vocab_size=300)
    model: Any = new_model(FLORENCE_BASE, tokenizer, seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model.resize_token_embeddings(_VOCABULARY, mean_resizing=False)
    save_model(model, new_processor(FLORENCE_BASE, tokenizer), folder)


def _llava(folder: Path, seed: int) -> None:
    """The depth and the token count of LLaVA-1.5's tower, 24 layers over 577 tokens, all of it narrow."""
    tokenizer = train_tokenizer(_TEXTS, vocab_size=300)
    ids = {name: getattr(tokenizer, f"{name}_token_id") for name in ("bos", "eos", "pad")}
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(
            hidden_size=256, intermediate_size=1024, num_hidden_layers=24, num_attention_heads=16,
            image_size=336, patch_size=14, projection_dim=256,
        ),
        text_config=LlamaConfig(
            vocab_size=len(tokenizer), hidden_size=512, intermediate_size=1376, num_hidden_layers=8,
            num_attention_heads=8, num_key_value_heads=8, max_position_embeddings=2048,
            **{f"{name}_token_id": value for name, value in ids.items()},
        ),
        image_token_index=tokenizer.get_vocab()["<image>"],
        vision_feature_select_strategy="default", vision_feature_layer=-2, image_seq_length=576,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: Any = LlavaForConditionalGeneration(config)
    square = {"height": 336, "width": 336}
    images = CLIPImageProcessorPil(size={"shortest_edge": 336}, crop_size=square)
    processor = LlavaProcessor(
        images, tokenizer, patch_size=14, vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
    )  # fmt: skip
    with storage_errors("write", folder), atomic_directory(folder) as new, no_progress_bars():
        model.save_pretrained(new)
        processor.save_pretrained(new)


SIZES: dict[str, Callable[[Path, int], None]] = {"florence-2-base": _florence, "llava-narrow": _llava}
