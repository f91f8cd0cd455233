"""Attention followed through the layers: what each token has seen of the first layer's, directly or not.

Abnar & Zuidema 2020, "Quantifying attention flow in transformers" (arXiv 2005.00928), section 3. Defined for
self-attention alone. Pure functions, float32; gradients flow to every layer.
"""

from collections.abc import Sequence

import torch


def rollouts(layers: Sequence[torch.Tensor], residual: bool = True) -> list[torch.Tensor]:
    """After each layer the product of all maps so far, [B, S, S] each; rows sum to 1.

    `layers` are maps [B, H, S, S], heads are averaged. With `residual` each map is half itself, half the
    identity, since a layer adds to what a token was. Without it, as some read the method, rows become all the
    same within a few layers and no longer tell what any one token looks at.
    """
    found: list[torch.Tensor] = []
    for layer in layers:
        step = layer.float().mean(dim=1)
        if residual:
            both = step + torch.eye(step.shape[-1], device=step.device)
            step = both / both.sum(dim=-1, keepdim=True)
        found.append(step @ found[-1] if found else step)
    return found
