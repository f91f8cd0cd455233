"""What a post on LLaVA-7B of 2025-07-30 calls pruning: features of patches set to zero. For its study alone.

No token goes: the language model reads as many as before, and zeros get positions and norms as others do.
The post numbers "heads" 1 to 24: CLIP ViT-L has 24 layers of 16 heads each, so layers are meant; `axis` has
both readings. LLaVA reads hidden state -2, so that layer 24 is off the path; pass layers up to 23 instead.
"""

from collections.abc import Sequence
from typing import Literal, TypeAlias

import torch

Axis: TypeAlias = Literal["layers", "heads"]


def class_scores(maps: Sequence[torch.Tensor]) -> torch.Tensor:
    """a[l, b, h, p], what the class token gives each patch: maps [B, H, 1 + P, 1 + P] -> [L, B, H, P]."""
    return torch.stack([one[:, :, 0, 1:].float() for one in maps])


def patch_scores(scores: torch.Tensor, last: int, axis: Axis = "layers") -> torch.Tensor:
    """Mean over the `last` layers and all heads, or all layers and the last heads: [L, B, H, P] -> [B, P]."""
    part = scores[-last:] if axis == "layers" else scores[:, :, -last:]
    return part.mean(dim=(0, 2))


def segment_scores(scores: torch.Tensor, last: int, axis: Axis = "layers") -> torch.Tensor:
    """One score a segment: [L, B, H, P] -> [B, P, last], of each of the last layers, or of the last heads."""
    if axis == "layers":
        return scores[-last:].mean(dim=2).permute(1, 2, 0)
    return scores[:, :, -last:].mean(dim=0).permute(0, 2, 1)


def patch_wise(features: torch.Tensor, scores: torch.Tensor, threshold: float) -> torch.Tensor:
    """Features [B, P, D] with those of patches that score below the threshold [B, P] set to zero."""
    return features * (scores >= threshold).unsqueeze(-1)


def layer_wise(features: torch.Tensor, scores: torch.Tensor, threshold: float) -> torch.Tensor:
    """D cut into as many segments as there are scores [B, P, N], the last with the rest; each set to zero
    where its own score is below the threshold.
    """
    width, count = features.shape[-1], scores.shape[-1]
    segment = (torch.arange(width, device=features.device) // max(1, width // count)).clamp(max=count - 1)
    return features * (scores >= threshold)[:, :, segment]


def entropy(rows: torch.Tensor) -> torch.Tensor:
    """-sum p log p of attention rows [..., N] over log N: 1 for a uniform row, 0 for a single token."""
    shares = rows.float() / rows.float().sum(dim=-1, keepdim=True).clamp(min=1e-12)
    nats: torch.Tensor = -torch.special.xlogy(shares, shares).sum(dim=-1)
    return nats / torch.tensor(float(rows.shape[-1])).log().clamp(min=1e-12)


def share_below(scores: torch.Tensor, thresholds: Sequence[float]) -> list[float]:
    """Of all single scores the share below each threshold."""
    return [float((scores < threshold).float().mean()) for threshold in thresholds]
