"""Check that the library returned attention maps, and compute one ourselves."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from core.errors import ModelError


def check_maps(maps: Sequence[torch.Tensor | None] | None, layers: int) -> tuple[torch.Tensor, ...]:
    """One map per layer. Raises ModelError when any is missing.

    Fused attention never builds maps: asked for them, transformers returns empty tuples (5.x) or None for
    each layer (4.x) and no error (huggingface/transformers#38750).
    """
    present = tuple(item for item in maps or () if item is not None)
    if len(present) != layers:
        raise ModelError(
            f"The model gives attention maps for {len(present)} of {layers} layers. "
            'Load it with attention="eager" to get them.'
        )
    return present


@contextmanager
def eager(module: Any) -> Iterator[None]:
    """Inside, attention is eager in every part of a transformers model; each goes back to what it had.

    Raises AttributeError or ValueError for a model that cannot switch.
    """
    parts = {"": module.config, **{name: getattr(module.config, name) for name in module.config.sub_configs}}
    before = {name: part._attn_implementation for name, part in parts.items()}
    module.set_attn_implementation("eager")
    try:
        yield
    finally:
        module.set_attn_implementation(before)


@dataclass(frozen=True)
class FirstLayerAttention:
    """First-layer attention to the vision tokens, heads averaged: `rows` [B, Q, N] float32, raw mass.

    `words` and `present` [B, Q] bool: which queries are the question's words, and which are not padding.
    """

    rows: torch.Tensor
    words: torch.Tensor
    present: torch.Tensor


def mean_over_heads(
    queries: torch.Tensor, keys: torch.Tensor, visible: torch.Tensor, scale: float
) -> torch.Tensor:
    """Attention softmax(scale * queries keys^T) averaged over heads, [B, Q, S] float32.

    `queries` [B, H, Q, d], `keys` [B, H', S, d], where H' divides H; `visible` bool [B, 1, Q, S].
    """
    keys = keys.repeat_interleave(queries.shape[1] // keys.shape[1], dim=1)
    scores = (queries @ keys.transpose(2, 3)).float() * scale
    return scores.masked_fill(~visible, float("-inf")).softmax(dim=-1).mean(dim=1)


def restore_places(rows: torch.Tensor, kept: torch.Tensor, total: int) -> torch.Tensor:
    """Values of the kept tokens [..., K] in their places among all, [..., total]; 0 elsewhere.

    `kept` [K] int64, without padding.
    """
    full = rows.new_zeros(*rows.shape[:-1], total)
    full[..., kept] = rows
    return full
