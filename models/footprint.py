"""What training an adapter takes of memory, told from a model's files before anything is loaded."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PROGRAM = 450_000_000
"""Bytes of a process that has imported torch, transformers and peft, and nothing else; measured."""
_LOOSE = 500_000_000
"""What many steps of changing sizes leave with the allocator; measured on the built-in student."""
_WORDS = 24
"""Tokens of a question and its answer."""
_VISION_TOKENS = 577
"""Where the files do not tell."""
_HELD = 1.1
"""Bytes of a row by those of the formula: 0.94 measured on the built-in student, 1.05 on Florence-2-base."""
_FLOAT = 4


@dataclass(frozen=True)
class Footprint:
    """Bytes that training takes: `fixed` in any case, `row` for each row of a step."""

    fixed: int
    row: int

    def of(self, rows: int) -> int:
        """All together."""
        return self.fixed + rows * self.row


def weights_footprint(folder: Path) -> Footprint:
    """Of a process that holds the weights of a folder and their gradients, whatever they are of."""
    weights = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    return Footprint(_PROGRAM + _LOOSE + 2 * weights, 0)


def footprint(folder: Path) -> Footprint | None:
    """Of a checkpoint in the hub's layout; None where its files do not tell how it is built.

    A layer keeps s h (34 + 5 a s / h) values of two bytes of a row, s tokens of width h seen by a heads
    (Korthikanti et al. 2022, Reducing activation recomputation in large transformer models, equation 2); here
    they are of four.
    """
    try:
        about = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        text = about.get("text_config", about)
        width = int(text.get("d_model") or text["hidden_size"])
        heads = int(text.get("encoder_attention_heads") or text["num_attention_heads"])
        layers = _layers(text)
        weights = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    tokens = _vision_tokens(folder) + _WORDS
    layer = tokens * width * (34 + 5 * heads * tokens / width) * 2
    logits = (
        _WORDS * int(text.get("vocab_size", 0)) * _FLOAT * 3
    )  # as they are, as shares, and their gradient
    return Footprint(_PROGRAM + _LOOSE + weights, int(_HELD * (layers * layer + logits)))


def _layers(text: Mapping[str, Any]) -> int:
    """Those that read picture and question; a decoder beside them reads few words, and counts half."""
    if "encoder_layers" in text:
        return int(text["encoder_layers"]) + int(text.get("decoder_layers", 0)) // 2
    return int(text["num_hidden_layers"])


def _vision_tokens(folder: Path) -> int:
    """As many as a picture becomes, where a file says so."""
    for name in ("preprocessor_config.json", "processor_config.json"):
        try:
            found = json.loads((folder / name).read_text(encoding="utf-8"))
            return int(found.get("image_processor", found)["image_seq_length"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
    return _VISION_TOKENS
