"""Queries and keys of a Llama-like stack's first layer, turned by their positions."""

from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class States:
    """`queries` [B, H, S, d] and `keys` [B, H', S, d], and what their product is multiplied by."""

    queries: torch.Tensor
    keys: torch.Tensor
    scale: float


def queries_and_keys(language: Any, embeds: torch.Tensor, positions: torch.Tensor) -> States:
    """Of the first layer for `embeds` [B, S, D] at `positions` [B, S]: normalised, projected and rotated.

    Rotary embedding as Llama has it: pairs are the halves of a head (Su et al. 2021, RoFormer, in the layout
    of transformers' `rotate_half`).
    """
    layer = language.layers[0]
    attention = layer.self_attn
    hidden = layer.input_layernorm(embeds)
    cos, sin = language.rotary_emb(hidden, positions)

    def turned(projected: torch.Tensor) -> torch.Tensor:
        heads = projected.unflatten(2, (-1, attention.head_dim)).transpose(1, 2)
        first, second = heads.chunk(2, dim=-1)
        half: torch.Tensor = torch.cat([-second, first], dim=-1)
        both: torch.Tensor = heads * cos.unsqueeze(1) + half * sin.unsqueeze(1)
        return both

    return States(turned(attention.q_proj(hidden)), turned(attention.k_proj(hidden)), attention.scaling)
