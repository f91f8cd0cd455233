"""What becomes of attention from layer to layer: each layer's own map, and rollouts through all up to it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from bench.measure.alike import entropy, jensen_shannon, spearman, top_overlap
from bench.studies.vit.towers import Attention
from models.alignment import resample_keys
from models.inside.rollout import rollouts

OWN, RESIDUAL, LITERAL = "layer's own", "rollout", "rollout, no residual"
KINDS = (OWN, RESIDUAL, LITERAL)
AGREEMENTS = {"js": jensen_shannon, "spearman": spearman, "top 20 % overlap": top_overlap}


@dataclass(frozen=True)
class Flow:
    """Of one picture in one network, by kind.

    `maps` [L, rows, cols] of the rows that look, each summing to 1; `entropies` [L] of them; `apart` [L],
    how much the maps of single rows differ from their mean: Jensen-Shannon in bits, 0 where all look alike.
    """

    maps: Mapping[str, NDArray[np.float64]]
    entropies: Mapping[str, NDArray[np.float64]]
    apart: Mapping[str, NDArray[np.float64]]


def flow(attention: Attention) -> Flow:
    """Every kind of map. Rollouts go through special tokens and words as well, which are left out after."""
    layers = list(attention.layers[:, None, None])  # [1, 1, S, S] each: one picture, heads averaged before
    stacks = {
        OWN: attention.layers,
        RESIDUAL: torch.stack(rollouts(layers))[:, 0],
        LITERAL: torch.stack(rollouts(layers, residual=False))[:, 0],
    }
    maps, entropies, apart = {}, {}, {}
    for kind, whole in stacks.items():
        cells = whole[:, :, attention.cells].double()
        shares = cells / cells.sum(dim=-1, keepdim=True).clamp(min=1e-12)
        mean_map = shares[:, attention.looking].mean(dim=1)
        maps[kind] = mean_map.unflatten(-1, attention.grid).numpy()
        entropies[kind] = entropy(mean_map)
        apart[kind] = _divergence(shares).numpy()
    return Flow(maps, entropies, apart)


def _divergence(shares: torch.Tensor) -> torch.Tensor:
    """[L]: the mean divergence of rows [L, S, N] from their mean, which is their Jensen-Shannon, in bits."""
    mean = shares.mean(dim=1, keepdim=True).clamp(min=1e-12)
    rows = torch.special.xlogy(shares, shares) - shares * mean.log()
    apart: torch.Tensor = rows.sum(dim=-1).mean(dim=-1) / float(np.log(2))
    return apart


def paired_depths(ours: int, theirs: int) -> list[int]:
    """For each of our layers theirs at the nearest relative depth, l / (L - 1)."""
    return [round(layer / max(1, ours - 1) * (theirs - 1)) for layer in range(ours)]


def agreement(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """By measure [L]: our maps [L, rows, cols] with theirs at the same depth, over the coarser grid."""
    grid = min(ours.shape[1], theirs.shape[1]), min(ours.shape[2], theirs.shape[2])
    mine, other = (resample_keys(torch.as_tensor(maps), *grid).numpy() for maps in (ours, theirs))
    pairs = list(enumerate(paired_depths(len(mine), len(other))))
    return {
        name: np.array([measure(mine[layer], other[deeper]) for layer, deeper in pairs])
        for name, measure in AGREEMENTS.items()
    }
