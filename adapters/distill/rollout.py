"""Attention followed through the layers: what each token has seen of the first layer's, directly or not.

Abnar & Zuidema 2020, "Quantifying attention flow in transformers" (arXiv 2005.00928), section 3. Defined for
self-attention alone. Pure functions, float32; gradients flow to every layer.
"""

from collections.abc import Sequence

import torch

from adapters.distill.heads import mean_heads
from adapters.losses import renormalised


def rollouts(layers: Sequence[torch.Tensor], residual: bool = True) -> list[torch.Tensor]:
    """After each layer the product of all maps so far, [B, S, S] each; rows sum to 1.

    `layers` are maps [B, H, S, S], heads are averaged. With `residual` each map is half itself, half the
    identity, since a layer adds to what a token was. Without it, as some read the method, rows become all the
    same within a few layers and no longer tell what any one token looks at.
    """
    found: list[torch.Tensor] = []
    for layer in layers:
        step = mean_heads(layer)
        if residual:
            step = renormalised(step + torch.eye(step.shape[-1], device=step.device))
        found.append(step @ found[-1] if found else step)
    return found


def row_entropy(maps: torch.Tensor) -> torch.Tensor:
    """Entropy of each row [..., K] as a share of the largest there can be, [...] in [0, 1]; needs K > 1."""
    values = maps.float()
    largest = torch.tensor(float(maps.shape[-1])).log().to(values.device)
    shares: torch.Tensor = torch.special.entr(values).sum(dim=-1) / largest
    return shares
