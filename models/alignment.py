"""Bring an expert's maps to the student's shape: another grid of cells, other tokens of the same text."""

from collections.abc import Sequence

import torch


def resample_keys(maps: torch.Tensor, rows: int, cols: int) -> torch.Tensor:
    """Attention over a grid, [..., R, C], resampled to another grid of the same picture: [..., rows, cols].

    Each cell's mass is split among the cells it overlaps by shared area, so sums stay the same.
    """
    down, across = _overlap(maps.shape[-2], rows), _overlap(maps.shape[-1], cols)
    return torch.einsum("ir,jc,...rc->...ij", down.to(maps), across.to(maps), maps)


def _overlap(old: int, new: int) -> torch.Tensor:
    """Share of each old stretch that lies in each new one, [new, old]; columns sum to 1. Float64."""
    edges_old = torch.linspace(0, 1, old + 1, dtype=torch.float64)
    edges_new = torch.linspace(0, 1, new + 1, dtype=torch.float64)
    left = torch.maximum(edges_new[:-1, None], edges_old[None, :-1])
    right = torch.minimum(edges_new[1:, None], edges_old[None, 1:])
    shared = (right - left).clamp(min=0) * old
    return shared / shared.sum(dim=0, keepdim=True)


def query_weights(ours: Sequence[tuple[int, int]], theirs: Sequence[tuple[int, int]]) -> torch.Tensor:
    """How much each of their tokens overlaps each of ours, [ours, theirs] float32.

    Tokens are spans of characters (from, to) in the same text; a weight is the share of our token's
    overlapped characters, so rows sum to 1, or to 0 for a token that overlaps none of theirs.
    """
    shared = torch.tensor([
        [max(0, min(end, last) - max(begin, first)) for first, last in theirs] for begin, end in ours
    ])
    shared = shared.reshape(len(ours), len(theirs)).float()
    return shared / shared.sum(dim=1, keepdim=True).clamp(min=1e-9)
