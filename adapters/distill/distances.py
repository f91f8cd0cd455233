"""How far apart two maps are, in numbers that mean the same whatever the number of keys.

Of statistically equal maps the plain squared error falls as 1 / K² with the number of keys K, from 3e-3 at
49 to 4e-5 at 577, so a weight of it means nothing across models; times K² it does. The
divergence of rows is `adapters.losses.map_divergence`. Shapes are [..., Q, K]; `counts` [..., Q], or
broadcastable to it, bool, says which rows count; all do without it. Pure functions, float32; the expert's
map is a constant.
"""

import torch


def squared(looked: torch.Tensor, wanted: torch.Tensor, counts: torch.Tensor | None = None) -> torch.Tensor:
    """Mean of (looked - wanted)² over the rows that count; a scalar, 0 with a gradient of 0 for none."""
    return _mean(((looked.float() - wanted.detach().float()) ** 2).mean(dim=-1), counts)


def density_squared(
    looked: torch.Tensor, wanted: torch.Tensor, counts: torch.Tensor | None = None
) -> torch.Tensor:
    """`squared` of maps as multiples of the uniform map, so times K²; a scalar."""
    return squared(looked, wanted, counts) * looked.shape[-1] ** 2


def cross_entropy_of_scores(
    scores: torch.Tensor, wanted: torch.Tensor, counts: torch.Tensor | None = None
) -> torch.Tensor:
    """Mean over rows of -sum(wanted · log softmax(scores)) in nats; a scalar.

    `scores` are the student's before the softmax, -inf where a key cannot be seen. It is the divergence and
    a constant, in the form of Attention Transfer (arXiv 2411.09702), with no logarithm of a small number.
    """
    logs = scores.float().log_softmax(dim=-1)
    hidden = torch.isinf(logs)
    rows = -(wanted.detach().float() * logs.masked_fill(hidden, 0)).sum(dim=-1)
    return _mean(rows, counts)


def _mean(rows: torch.Tensor, counts: torch.Tensor | None) -> torch.Tensor:
    """Mean of the rows' values [..., Q] that count."""
    kept = rows.flatten() if counts is None else rows[counts.expand_as(rows)]
    return kept.sum() / max(1, len(kept))
