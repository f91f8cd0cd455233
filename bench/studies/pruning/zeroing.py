"""What a post on LLaVA-7B of 2025-07-30 calls pruning: features of patches set to zero.

No token goes: the language model reads as many as before, and zeros get positions and norms as others do.
The post numbers "heads" 1 to 24: CLIP ViT-L has 24 layers of 16 heads each, so layers are meant. LLaVA
reads hidden state -2, so that layer 24 is off the path; pass layers up to 23 instead.
"""

from collections.abc import Sequence

import torch


def class_scores(maps: Sequence[torch.Tensor]) -> torch.Tensor:
    """a[l, b, h, p], what the class token gives each patch: maps [B, H, 1 + P, 1 + P] -> [L, B, H, P]."""
    return torch.stack([layer[:, :, 0, 1:].float() for layer in maps])


def patch_scores(scores: torch.Tensor, last: int) -> torch.Tensor:
    """Mean over the `last` layers and all heads: [L, B, H, P] -> [B, P]."""
    return scores[-last:].mean(dim=(0, 2))


def segment_scores(scores: torch.Tensor, last: int) -> torch.Tensor:
    """One score a segment, of each of the last layers: [L, B, H, P] -> [B, P, last]."""
    return scores[-last:].mean(dim=2).permute(1, 2, 0)


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


def share_below(scores: torch.Tensor, thresholds: Sequence[float]) -> list[float]:
    """Of all single scores the share below each threshold."""
    return [float((scores < threshold).float().mean()) for threshold in thresholds]
