"""Estimate the memory that training an adapter needs from a model's files, before loading anything."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import StorageError
from core.untrusted import parse_json, read_bytes

LEAST_ROWS = 4
"""Rows in a step, fewer than which nothing is learnt."""
_PROGRAM = 450_000_000
"""Bytes of a process that has imported torch, transformers and peft; measured."""
_LOOSE = 500_000_000
"""Bytes that the allocator keeps after many steps of changing sizes; measured on the built-in student."""
_TEXT_TOKENS = 24
"""Tokens of a question and its answer."""
_VISION_TOKENS = 577
"""The default where the files do not say."""
_ANY_DETAIL = frozenset({"lfm2_vl", "qwen2_vl", "qwen2_5_vl", "qwen3_vl"})
"""Types that have as many vision tokens as a setting allows."""
_ROW_FACTOR = 1.1
"""Bytes of a row over the formula's: measured 0.94 on the built-in student, 1.05 on Florence-2-base."""
_FLOAT = 4


@dataclass(frozen=True)
class Footprint:
    """Bytes that training takes: `fixed`, and `row` for each row of a step."""

    fixed: int
    row: int

    def of(self, rows: int) -> int:
        """Bytes for a step of so many rows."""
        return self.fixed + rows * self.row


@dataclass(frozen=True)
class Shape:
    """A language model: width, heads, layers that read picture and question, vision tokens of a picture,
    words.
    """

    width: int
    heads: int
    layers: int
    vision_tokens: int
    vocabulary: int


def to_answer(weights: int) -> int:
    """Bytes of a process that answers, by those of its weights as they are loaded."""
    return _PROGRAM + weights


def to_learn(weights: int, shape: Shape) -> Footprint:
    """The footprint of training by bytes of weights and shape.

    Per row a layer keeps s h (34 + 5 a s / h) bytes in half precision, for s tokens of width h and a heads
    (Korthikanti et al. 2022, Reducing activation recomputation in large transformer models, equation 2);
    here twice that.
    """
    tokens = shape.vision_tokens + _TEXT_TOKENS
    layer = tokens * shape.width * (34 + 5 * shape.heads * tokens / shape.width) * 2
    # Logits, probabilities and gradient.
    logits = _TEXT_TOKENS * shape.vocabulary * _FLOAT * 3
    return Footprint(_PROGRAM + _LOOSE + weights, int(_ROW_FACTOR * (shape.layers * layer + logits)))


def weights_footprint(folder: Path) -> Footprint:
    """The footprint of a process that holds a folder's weights and their gradients."""
    weights = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    return Footprint(_PROGRAM + _LOOSE + 2 * weights, 0)


def footprint(folder: Path, vision_tokens: int = _VISION_TOKENS) -> Footprint | None:
    """The footprint of a checkpoint in the hub's layout; None where its files do not describe it.

    `vision_tokens`: as `student.vision_tokens`.
    """
    try:
        return _footprint(folder, vision_tokens)
    except (StorageError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError):
        return None


def _footprint(folder: Path, vision_tokens: int) -> Footprint:
    config = parse_json(read_bytes(folder / "config.json"))
    text = config.get("text_config", config)
    weights = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    free = config.get("model_type") in _ANY_DETAIL
    shape = Shape(
        width=int(text.get("d_model") or text["hidden_size"]),
        heads=int(text.get("encoder_attention_heads") or text["num_attention_heads"]),
        layers=_layers(text),
        vision_tokens=vision_tokens if free else _vision_tokens(folder),
        vocabulary=int(text.get("vocab_size", 0)),
    )
    return to_learn(weights, shape)


def _layers(text: Mapping[str, Any]) -> int:
    """Layers that read picture and question; those of a separate decoder, which reads less, count half."""
    if "encoder_layers" in text:
        return int(text["encoder_layers"]) + int(text.get("decoder_layers", 0)) // 2
    return int(text["num_hidden_layers"])


def _vision_tokens(folder: Path) -> int:
    """Vision tokens per picture, where a file says so."""
    for name in ("preprocessor_config.json", "processor_config.json"):
        try:
            config = parse_json(read_bytes(folder / name))
            return int(config.get("image_processor", config)["image_seq_length"])
        except (StorageError, ValueError, KeyError, TypeError, AttributeError):
            continue
    return _VISION_TOKENS
