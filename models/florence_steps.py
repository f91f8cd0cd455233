"""Florence-2's decoder one token at a time, with keys and values kept.

The same layers as transformers' BartDecoder, called directly: no cache objects, no masks built for
steps that need none, and the encoder's keys and values are projected once for the whole answer.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention


class FlorenceSteps:
    """The `Steps` of a batch of answers whose questions the encoder has read.

    `hidden` [B, S, D] is what it made of them, `mask` [B, S] is 0 on padding, None without any.
    """

    def __init__(
        self, model: Any, hidden: torch.Tensor, mask: torch.Tensor | None, start: Sequence[int]
    ) -> None:
        self._decoder = model.model.language_model.decoder
        self._head = model.lm_head
        self._start = torch.tensor([start], device=hidden.device).expand(hidden.shape[0], -1)
        self._mask = None if mask is None else mask[:, None, None, :].bool()
        self._seen = [_keys_and_values(layer.encoder_attn, hidden) for layer in self._decoder.layers]
        self._said: list[tuple[torch.Tensor, torch.Tensor] | None] = [None] * len(self._seen)
        self._length = 0

    def first(self) -> torch.Tensor:
        """Read the start tokens. Logits [B, V]."""
        return self._read(self._start)

    def next(self, tokens: torch.Tensor) -> torch.Tensor:
        """Read one token a row [B]. Logits [B, V]."""
        return self._read(tokens.unsqueeze(1))

    def _read(self, ids: torch.Tensor) -> torch.Tensor:
        decoder = self._decoder
        positions = decoder.embed_positions(ids, self._length)
        hidden = decoder.layernorm_embedding(decoder.embed_tokens(ids) + positions)
        for index, layer in enumerate(decoder.layers):
            hidden = self._layer(index, layer, hidden)
        self._length += ids.shape[1]
        logits: torch.Tensor = self._head(hidden[:, -1])
        return logits

    def _layer(self, index: int, layer: Any, hidden: torch.Tensor) -> torch.Tensor:
        keys, values = _keys_and_values(layer.self_attn, hidden)
        if (said := self._said[index]) is not None:
            keys, values = torch.cat([said[0], keys], dim=2), torch.cat([said[1], values], dim=2)
        self._said[index] = keys, values
        # Several tokens come only at once at the very start, where nothing precedes them.
        looked = _attend(layer.self_attn, hidden, keys, values, causal=hidden.shape[1] > 1)
        hidden = layer.self_attn_layer_norm(hidden + looked)
        looked = _attend(layer.encoder_attn, hidden, *self._seen[index], mask=self._mask)
        hidden = layer.encoder_attn_layer_norm(hidden + looked)
        thought = layer.fc2(layer.activation_fn(layer.fc1(hidden)))
        normed: torch.Tensor = layer.final_layer_norm(hidden + thought)
        return normed


def heads_apart(attention: Any, projected: torch.Tensor) -> torch.Tensor:
    """[B, T, D] -> [B, H, T, D/H]."""
    batch, length, _ = projected.shape
    return projected.view(batch, length, attention.num_heads, attention.head_dim).transpose(1, 2)


def _keys_and_values(attention: Any, hidden: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return heads_apart(attention, attention.k_proj(hidden)), heads_apart(attention, attention.v_proj(hidden))


def _attend(
    attention: Any,
    hidden: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    mask: torch.Tensor | None = None,
    causal: bool = False,
) -> torch.Tensor:
    queries = heads_apart(attention, attention.q_proj(hidden))
    looked = scaled_dot_product_attention(
        queries, keys, values, attn_mask=mask, is_causal=causal, scale=attention.scaling
    )
    result: torch.Tensor = attention.out_proj(looked.transpose(1, 2).flatten(2))
    return result
