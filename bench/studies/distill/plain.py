"""Attention distilled as it is, with no autoencoder between: the variants of SF4.

a: the last layer's maps, heads averaged; b: the divergence over all paired layers; c is the outputs'
divergence and lives in `bench.studies.distill.outputs`. Maps here are one example's in the student's order
and tokens: see `layout` and `tokens` there. Pure functions, float32; the expert is a constant.
"""

from collections.abc import Sequence

import torch

from adapters.training.codes import paired_layers
from adapters.training.losses import map_divergence, renormalise
from bench.studies.distill.reading import mean_heads


def last_layer_distance(
    ours: Sequence[torch.Tensor], theirs: Sequence[torch.Tensor], counts: torch.Tensor | None = None
) -> torch.Tensor:
    """SF4a: squared distance of the last layers' mean maps as multiples of the uniform map; a scalar.

    `ours` and `theirs` are layers [H, Q, K] of any number of layers and heads, `counts` [Q] bool. Of
    statistically equal maps the plain squared error falls as 1 / K² with the number of keys K, so a weight of
    it means nothing across models; times K² it does. 0, with a gradient of 0, when no row counts.
    """
    looked, wanted = mean_heads(ours[-1]), mean_heads(theirs[-1]).detach()
    rows = ((looked - wanted) ** 2).mean(dim=-1)
    kept = rows if counts is None else rows[counts]
    return kept.sum() / max(1, len(kept)) * looked.shape[-1] ** 2


def paired_layers_divergence(ours: Sequence[torch.Tensor], theirs: Sequence[torch.Tensor]) -> torch.Tensor:
    """SF4b: KL(theirs || ours) in nats, mean over rows and over our layers, each with its pair; a scalar.

    Rows [Q] are renormalise over the K keys; rows of which theirs tells nothing do not count.
    """
    pairs = [
        (renormalise(mean_heads(ours[mine])), renormalise(mean_heads(theirs[other])))
        for mine, other in paired_layers(len(ours), len(theirs))
    ]
    return torch.stack([map_divergence(looked, wanted) for looked, wanted in pairs]).mean()
