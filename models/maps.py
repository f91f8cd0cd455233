"""Attention maps, or an error where the library silently gives none; and a map computed by ourselves."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from core.errors import ModelError


def checked_maps(maps: Sequence[torch.Tensor | None] | None, layers: int) -> tuple[torch.Tensor, ...]:
    """One map a layer. Raises ModelError when there are none.

    Fused attention never builds its maps: asked for them, transformers returns empty tuples (5.x) or a
    None for each layer (4.x) and no error (huggingface/transformers#38750).
    """
    found = tuple(item for item in maps or () if item is not None)
    if len(found) != layers:
        raise ModelError(
            f"The model gives attention maps for {len(found)} of {layers} layers. "
            'Load it with attention="eager" to get them.'
        )
    return found


@dataclass(frozen=True)
class FirstLook:
    """What the first layer sees of the vision tokens, heads averaged: `rows` [B, Q, N] float32, raw mass.

    `words` and `there` [B, Q] bool: which queries are the question's words, and which are no padding.
    """

    rows: torch.Tensor
    words: torch.Tensor
    there: torch.Tensor


def mean_over_heads(
    queries: torch.Tensor, keys: torch.Tensor, seen: torch.Tensor, scale: float
) -> torch.Tensor:
    """Attention softmax(scale * queries keys^T) averaged over heads, [B, Q, S] float32.

    `queries` [B, H, Q, d], `keys` [B, H', S, d], where H' divides H; `seen` bool, broadcast to [B, 1, Q, S].
    """
    keys = keys.repeat_interleave(queries.shape[1] // keys.shape[1], dim=1)
    scores = (queries @ keys.transpose(2, 3)).float() * scale
    return scores.masked_fill(~seen, float("-inf")).softmax(dim=-1).mean(dim=1)


def laid_out(rows: torch.Tensor, kept: torch.Tensor, whole: int) -> torch.Tensor:
    """Values of the tokens that stayed [..., K] in their places among all, [..., whole]; 0 elsewhere.

    `kept` [K] int64, without padding.
    """
    full = rows.new_zeros(*rows.shape[:-1], whole)
    full[..., kept] = rows
    return full
