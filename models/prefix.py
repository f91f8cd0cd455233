"""Prefixes: what a language model reads before any adapter acts, computed once by the base weights.

In encoder-decoders that is picture and question, as the keys and values of the decoder's cross-attention. An
adapter changes only what comes after, so a new one invalidates no prefix, and training runs no encoder.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn.utils.rnn import pad_sequence


@dataclass(frozen=True)
class Prefixes:
    """Those of B rows: `caches` [B, layers, 2, H, S, D/H], keys and values; `mask` [B, S], False on padding,
    None without any. `vis` [B, S] bool marks vision tokens.
    """

    caches: torch.Tensor
    mask: torch.Tensor | None
    vis: torch.Tensor

    def __len__(self) -> int:
        return len(self.caches)

    def layer(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys and values [B, H, S, D/H] of a layer."""
        return self.caches[:, index, 0], self.caches[:, index, 1]

    def rows(self, dtype: torch.dtype | None = None) -> "list[PrefixRow]":
        """Each without its padding, to keep."""
        lengths = [self.vis.shape[1]] * len(self) if self.mask is None else self.mask.sum(dim=1).tolist()
        return [
            PrefixRow(cache[..., :length, :].to(dtype or cache.dtype, copy=True), vis[:length].clone())
            for cache, vis, length in zip(self.caches, self.vis, lengths, strict=True)
        ]


@dataclass(frozen=True)
class PrefixRow:
    """One row's `cache` [layers, 2, H, S, D/H] and `vis` [S]."""

    cache: torch.Tensor
    vis: torch.Tensor

    @property
    def nbytes(self) -> int:
        return self.cache.numel() * self.cache.element_size()


def stack(rows: Sequence[PrefixRow], dtype: torch.dtype | None = None) -> Prefixes:
    """Rows as one batch, padded at their ends; of another type than theirs if one is given."""
    dtype = dtype or rows[0].cache.dtype
    lengths = torch.tensor([len(row.vis) for row in rows])
    if bool((lengths == lengths[0]).all()):
        caches = torch.stack([row.cache for row in rows]).to(dtype)
        return Prefixes(caches, None, torch.stack([row.vis for row in rows]))
    longest = int(lengths.max())
    caches = rows[0].cache.new_zeros(len(rows), *rows[0].cache.shape[:3], longest, rows[0].cache.shape[-1])
    for place, row in enumerate(rows):
        caches[place, ..., : len(row.vis), :] = row.cache
    vis = pad_sequence([row.vis for row in rows], batch_first=True)
    mask = (torch.arange(longest) < lengths[:, None]).to(vis.device)
    return Prefixes(caches.to(dtype), mask, vis)
