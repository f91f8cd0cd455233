"""Florence-2's decoder one token at a time, with cached keys and values.

It calls the layers of transformers' BartDecoder directly: no cache objects, no needless masks, and the
encoder's keys and values are projected once per answer.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention

from models.prefix import Prefixes


class FlorenceSteps:
    """The `Steps` of a batch of answers to what its prefixes hold."""

    def __init__(self, model: Any, prefixes: Prefixes, start: Sequence[int]) -> None:
        self._decoder, self._head = model.model.language_model.decoder, model.lm_head
        self._start = torch.tensor([start], device=prefixes.vis.device).expand(len(prefixes), -1)
        self._mask = None if prefixes.mask is None else prefixes.mask[:, None, None, :]
        self._prefixes = prefixes
        self._decoder_cache: list[tuple[torch.Tensor, torch.Tensor] | None] = [None] * len(
            self._decoder.layers
        )
        self._length = 0
        self._looks: list[torch.Tensor] | None = None

    def first(self) -> torch.Tensor:
        """Read the start tokens. Logits [B, V]."""
        return self._read(self._start)

    def next(self, tokens: torch.Tensor) -> torch.Tensor:
        """Read one token a row [B]. Logits [B, V]."""
        return self._read(tokens.unsqueeze(1))

    def all(self, ids: torch.Tensor) -> torch.Tensor:
        """Read whole sequences [B, T] at once, with gradients where they are enabled. Logits [B, T, V]."""
        logits: torch.Tensor = self._head(self._hidden(ids))
        return logits

    def all_looking(self, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The same, and where each token looks in the prefix, [B, T, S]: the mean over layers and heads."""
        self._looks = []
        logits = self.all(ids)
        return logits, torch.stack(self._looks).mean(dim=0)

    def _read(self, ids: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self._head(self._hidden(ids)[:, -1])
        return logits

    def _hidden(self, ids: torch.Tensor) -> torch.Tensor:
        decoder = self._decoder
        positions = decoder.embed_positions(ids, self._length)
        hidden = decoder.layernorm_embedding(decoder.embed_tokens(ids) + positions)
        for index, layer in enumerate(decoder.layers):
            hidden = self._layer(index, layer, hidden)
        self._length += ids.shape[1]
        read: torch.Tensor = hidden
        return read

    def _layer(self, index: int, layer: Any, hidden: torch.Tensor) -> torch.Tensor:
        keys, values = _keys_and_values(layer.self_attn, hidden)
        if (cache := self._decoder_cache[index]) is not None:
            keys, values = torch.cat([cache[0], keys], dim=2), torch.cat([cache[1], values], dim=2)
        self._decoder_cache[index] = keys, values
        # Several tokens come at once only at the very start, where nothing precedes them.
        attended = _attend(layer.self_attn, hidden, keys, values, causal=hidden.shape[1] > 1)
        hidden = layer.self_attn_layer_norm(hidden + attended)
        attended = self._cross(layer.encoder_attn, hidden, *self._prefixes.layer(index))
        hidden = layer.encoder_attn_layer_norm(hidden + attended)
        expanded = layer.fc2(layer.activation_fn(layer.fc1(hidden)))
        normed: torch.Tensor = layer.final_layer_norm(hidden + expanded)
        return normed

    def _cross(
        self, attention: Any, hidden: torch.Tensor, keys: torch.Tensor, values: torch.Tensor
    ) -> torch.Tensor:
        if self._looks is None:
            return _attend(attention, hidden, keys, values, mask=self._mask)
        queries = split_heads(attention, attention.q_proj(hidden))
        weights = _weights(queries, keys, self._mask, attention.scaling)
        self._looks.append(weights.float().mean(dim=1))
        return _merge_heads(attention, weights.to(values.dtype) @ values)


def prefixes_of(decoder: Any, hidden: torch.Tensor, mask: torch.Tensor | None, vis: torch.Tensor) -> Prefixes:
    """Those of the encoder's states `hidden` [B, S, D]; `mask` [B, S] is 0 on padding, None without any."""
    pairs = [torch.stack(_keys_and_values(layer.encoder_attn, hidden), dim=1) for layer in decoder.layers]
    return Prefixes(torch.stack(pairs, dim=1), None if mask is None else mask.bool(), vis)


def split_heads(attention: Any, projected: torch.Tensor) -> torch.Tensor:
    """[B, T, D] -> [B, H, T, D/H]."""
    batch, length, _ = projected.shape
    return projected.view(batch, length, attention.num_heads, attention.head_dim).transpose(1, 2)


def _keys_and_values(attention: Any, hidden: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return split_heads(attention, attention.k_proj(hidden)), split_heads(attention, attention.v_proj(hidden))


def _products(
    queries: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    attn_mask: torch.Tensor | None,
    is_causal: bool,
    scale: float,
) -> torch.Tensor:
    """Attention as plain products, like `scaled_dot_product_attention`."""
    if is_causal:
        length = queries.shape[2]
        attn_mask = torch.ones(length, length, dtype=torch.bool, device=queries.device).tril()
    return _weights(queries, keys, attn_mask, scale).to(values.dtype) @ values


def _weights(
    queries: torch.Tensor, keys: torch.Tensor, mask: torch.Tensor | None, scale: float
) -> torch.Tensor:
    """Attention [B, H, T, S]."""
    scores = (queries * scale) @ keys.transpose(2, 3)
    if mask is not None:
        scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    return scores.softmax(dim=-1)


def _attend(
    attention: Any,
    hidden: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    mask: torch.Tensor | None = None,
    causal: bool = False,
) -> torch.Tensor:
    queries = split_heads(attention, attention.q_proj(hidden))
    # Fused attention is faster forward, and slower with its way back (see `models.precision`).
    attend = _products if torch.is_grad_enabled() else scaled_dot_product_attention
    attended = attend(queries, keys, values, attn_mask=mask, is_causal=causal, scale=attention.scaling)
    return _merge_heads(attention, attended)


def _merge_heads(attention: Any, attended: torch.Tensor) -> torch.Tensor:
    result: torch.Tensor = attention.out_proj(attended.transpose(1, 2).flatten(2))
    return result
