"""Canonical maps: the same shape for every model, whatever its heads, layers and grid.

What an autoencoder of maps reads; `adapters.distill.scaling` gives them one scale. Pure functions, float32;
gradients flow to the maps.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch

from adapters.losses import renormalised
from models.alignment import resample_keys

_SMALLEST_MASS = 1e-6


class Heat(NamedTuple):
    """Where the question looks, and what that leaves out.

    `maps` [B, K, rows, cols]: share of the attention on the picture's cells, each map sums to 1.
    `vision_mass` [B, K]: share of the text's attention that the picture's tokens got at all.
    `mean_mass` [B, K]: share of that which went to the mean token, which is no place.
    """

    maps: torch.Tensor
    vision_mass: torch.Tensor
    mean_mass: torch.Tensor


def heat_maps(
    layers: Sequence[torch.Tensor],
    vis: torch.Tensor,
    txt: torch.Tensor,
    grid: tuple[int, int],
    mean_token: bool,
    to: tuple[int, int] = (24, 24),
) -> Heat:
    """The question's attention over the picture, one channel a layer, laid over the grid `to` (mode H).

    `layers` are K maps [B, H, S, S], or [B, S, S] such as rollouts; heads and the question's tokens are
    averaged. `vis`, `txt` [B, S] bool; each example has rows x cols of `grid` picture tokens, and the mean
    token in front of them where there is one.
    """
    every = [_looked(one, vis, txt) for one in layers]
    seen = torch.stack(every, dim=1)
    mass = seen.sum(dim=-1)
    cells = seen[..., int(mean_token) :]
    placed = resample_keys(cells.unflatten(-1, grid), *to)
    lost = (mass - cells.sum(dim=-1)) / mass.clamp(min=_SMALLEST_MASS)
    return Heat(renormalised(placed.flatten(2)).unflatten(-1, to), mass, lost)


def _looked(attention: torch.Tensor, vis: torch.Tensor, txt: torch.Tensor) -> torch.Tensor:
    """[B, N]: what the question's tokens spend on each picture token, the mean over tokens and heads."""
    single = attention.float().mean(dim=1) if attention.ndim == 4 else attention.float()
    asked = txt.float() / txt.sum(dim=1, keepdim=True).clamp(min=1)
    return torch.einsum("bq,bqk->bk", asked, single)[vis].reshape(len(vis), -1)


def square_maps(block: torch.Tensor, size: int) -> torch.Tensor:
    """A block of a map [..., Q, K] as a square [..., size, size], whatever the numbers of tokens (mode F).

    Neighbours in the sequence are merged: queries are averaged, keys add up, so each row keeps its mass.
    """
    return resample_keys(block.float(), size, size) * (size / block.shape[-2])
