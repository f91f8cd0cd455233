"""Attention distilled as it is, with no autoencoder between: the variants of SF4.

a: the last layer's maps, heads averaged; b: the divergence over all paired layers; c is the outputs'
divergence and lives in `adapters.distill.outputs`. Maps here are one example's in the student's order and
tokens: see `adapters.distill.layout` and `adapters.distill.tokens`. Pure functions, float32; the expert is a
constant.
"""

from collections.abc import Sequence

import torch

from adapters.distill.distances import cross_entropy_of_scores, density_squared
from adapters.distill.heads import mean_heads
from adapters.distill.layers import paired_layers
from adapters.losses import map_divergence, renormalised


def last_layer_distance(
    ours: Sequence[torch.Tensor], theirs: Sequence[torch.Tensor], counts: torch.Tensor | None = None
) -> torch.Tensor:
    """SF4a: squared distance of the last layers' mean maps as multiples of the uniform map; a scalar.

    `ours` and `theirs` are layers [H, Q, K] of any number of layers and heads, `counts` [Q] bool.
    """
    return density_squared(mean_heads(ours[-1]), mean_heads(theirs[-1]), counts)


def paired_layers_divergence(ours: Sequence[torch.Tensor], theirs: Sequence[torch.Tensor]) -> torch.Tensor:
    """SF4b: KL(theirs || ours) in nats, mean over rows and over our layers, each with its pair; a scalar.

    Rows [Q] are renormalised over the K keys; rows of which theirs tells nothing do not count.
    """
    pairs = [
        (renormalised(mean_heads(ours[mine])), renormalised(mean_heads(theirs[other])))
        for mine, other in paired_layers(len(ours), len(theirs))
    ]
    return torch.stack([map_divergence(looked, wanted) for looked, wanted in pairs]).mean()


def attention_transfer(
    scores: Sequence[torch.Tensor], theirs: Sequence[torch.Tensor], counts: torch.Tensor | None = None
) -> torch.Tensor:
    """The recipe of Attention Transfer (arXiv 2411.09702): per head, summed over the first three quarters.

    `scores` are the student's layers [B, H, Q, K] before the softmax, `theirs` maps of the same architecture.
    The paper weighs it with 3. Raises ValueError when the numbers of layers or heads differ.
    """
    if len(scores) != len(theirs) or any(s.shape != t.shape for s, t in zip(scores, theirs, strict=True)):
        raise ValueError("attention transfer head by head needs two models of the same architecture")
    used = max(1, len(scores) * 3 // 4)
    pairs = zip(scores[:used], theirs[:used], strict=True)
    return torch.stack([cross_entropy_of_scores(mine, other, counts) for mine, other in pairs]).sum()
