"""Align-KD's first-layer attention loss: how the question's words look at the picture.

Maps are one example's text-to-vision blocks [H, W, N]: words by picture tokens, raw mass, in the student's
heads and tokens; the expert's went through `adapters.distill.projections` and gradients reach that. Several
examples are weighed by their rows. Pure functions, float32.
"""

from collections.abc import Sequence

import torch

from adapters.losses import renormalised

_SMALLEST_SHARE = 1e-8

Maps = Sequence[torch.Tensor]
"""One block [H, W, N] an example; W and N may differ between examples."""


def literal_distance(ours: Maps, theirs: Maps) -> torch.Tensor:
    """The paper's form: mean of (theirs - ours)² over examples, heads, words and picture tokens; a scalar.

    Of raw maps it is about 1e-5 where the cross-entropy is 1.
    """
    pairs = list(zip(ours, theirs, strict=True))
    total = torch.stack([((t.float() - s.float()) ** 2).sum() for s, t in pairs]).sum()
    return total / max(1, sum(s.numel() for s, _ in pairs))


def density_distance(ours: Maps, theirs: Maps) -> torch.Tensor:
    """The same of rows renormalised over the picture, as multiples of the uniform row; a scalar."""
    scaled = [[renormalised(one.float()) * one.shape[-1] for one in maps] for maps in (ours, theirs)]
    return literal_distance(*scaled)


def divergence(ours: Maps, theirs: Maps) -> torch.Tensor:
    """Mean over rows of KL(theirs || ours) in nats of renormalised rows; a scalar. What we recommend.

    Rows of which the expert tells nothing do not count. `theirs` must not be negative anywhere:
    `MixedHeads` keeps that, `PointwiseHeads` does not.
    """
    total, rows = ours[0].new_zeros((), dtype=torch.float32), 0
    for looked, wanted in zip(ours, theirs, strict=True):
        told = wanted.sum(dim=-1) > 0
        p, q = renormalised(wanted.float()[told]), renormalised(looked.float()[told])
        logs = q.clamp(min=_SMALLEST_SHARE).log()
        total = total + (p * (p.clamp(min=_SMALLEST_SHARE).log() - logs)).sum()
        rows += len(p)
    return total / max(1, rows)
