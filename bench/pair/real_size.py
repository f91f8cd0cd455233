"""Models of the size that people run, with random weights, which cost as much as others."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from transformers import Florence2Config, Florence2ForConditionalGeneration

from adapters.jobs.request import JobLimits, Request, recipe_for
from bench.rooms.questions.ask import candidates
from bench.rooms.views import visit
from core.files import atomic_directory, cache_dir
from core.types import Example
from models.registry import load_model

_TOKENIZER = "builtin-student"
_WIDTH, _LAYERS, _HEADS, _HIDDEN, _WORDS = 768, 6, 12, 3072, 51_289
"""Florence-2-base (Xiao et al. 2024), its language model."""
_SIDE = 640
PAIRS, HELD_OUT, EXTRA = 10, 3, 360


def florence_base(side: int) -> Path:
    """A checkpoint of Florence-2-base's size for pictures of `side` pixels, made once; its weights are random
    and its words the built-in student's. Raises StorageError.
    """
    folder = cache_dir() / "real-size" / f"florence-2-base-{side}"
    if not folder.is_dir():
        with atomic_directory(folder) as temporary:
            _save(side, temporary)
    return folder


def _save(side: int, folder: Path) -> None:
    builtin = load_model(_TOKENIZER)
    tokenizer, processor = builtin.tokenizer, builtin.image_processor
    config: Any = Florence2Config()
    text = config.text_config
    for name, value in {
        "d_model": _WIDTH, "vocab_size": _WORDS, "max_position_embeddings": 4096,
        "encoder_layers": _LAYERS, "decoder_layers": _LAYERS,
        "encoder_attention_heads": _HEADS, "decoder_attention_heads": _HEADS,
        "encoder_ffn_dim": _HIDDEN, "decoder_ffn_dim": _HIDDEN,
        "bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id, "decoder_start_token_id": tokenizer.eos_token_id,
    }.items():  # fmt: skip
        setattr(text, name, value)
    config.vision_config.projection_dim, config.vocab_size = _WIDTH, _WORDS
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = Florence2ForConditionalGeneration(config)
    model.generation_config = builtin.module.generation_config  # type: ignore[assignment]  # a module's part
    processor.size = processor.crop_size = {"height": side, "width": side}
    for part in (model, tokenizer, processor):
        part.save_pretrained(folder)


def room_request(base: Path, folder: Path, seconds: float, threads: int, seed: int = 0) -> Request:
    """A room's job: ten pairs of a person and 360 of the agent's own, about four rendered views."""
    _, shots = visit("validation", seed, _SIDE, 4)
    folder.mkdir(parents=True, exist_ok=True)
    examples = []
    chance = np.random.default_rng(seed)
    for number, shot in enumerate(shots):
        path = folder / f"frame-{number}.jpg"
        Image.fromarray(shot.frame.rgb).save(path, quality=90)
        asked = candidates(shot.facts, chance, "validation")
        examples += [Example(f"{number}-{n}", q.text, q.answer, path) for n, q in enumerate(asked)]
    order = [examples[index] for index in chance.permutation(len(examples))[: PAIRS + EXTRA]]
    own = order[PAIRS:]
    return Request(
        "den", str(base), order[: PAIRS - HELD_OUT], order[PAIRS - HELD_OUT : PAIRS], own,
        probe=folder / "probe", recipe=recipe_for(len(own)), seed=seed,
        limits=JobLimits(seconds=seconds, threads=threads, forgets=1.0, worse=1000.0),
    )  # fmt: skip
