"""Align-KD's losses (CVPR 2025, arXiv 2412.01282): as the paper means them, and as released.

Maps are one example's text-to-vision blocks [H, W, N]: words by picture tokens, raw mass, in the student's
heads and tokens; several examples are weighed by their rows. Vision tokens are [B, N, D] in our width and
grid. The expert's went through `bench.studies.distill.bridge`, and gradients reach that.

`code_` begins the losses as the released code has them, mistakes included: what they teach says nothing of
the method. There, sequences [B, S, ...] are a causal model's, and the optimiser never gets the projections,
so they stay random. Pure functions, float32.
"""

from collections.abc import Sequence

import torch

from adapters.training.losses import renormalise

_SMALLEST_SHARE = 1e-8
_IMAGE_AT = 1
_OFF_BY = 2

Maps = Sequence[torch.Tensor]
"""One block [H, W, N] an example; W and N may differ between examples."""


def literal_distance(ours: Maps, theirs: Maps) -> torch.Tensor:
    """The paper's form: mean of (theirs - ours)² over examples, heads, words and picture tokens; a scalar.

    Of raw maps it is about 1e-5 where the cross-entropy is 1.
    """
    pairs = list(zip(ours, theirs, strict=True))
    total = torch.stack([((t.float() - s.float()) ** 2).sum() for s, t in pairs]).sum()
    return total / max(1, sum(s.numel() for s, _ in pairs))


def divergence(ours: Maps, theirs: Maps) -> torch.Tensor:
    """Mean over rows of KL(theirs || ours) in nats of renormalised rows; a scalar. What we recommend.

    Rows without mass in the expert's maps do not count. `theirs` must not be negative anywhere: `MixedHeads`
    keeps that, `PointwiseHeads` does not.
    """
    total, rows = ours[0].new_zeros((), dtype=torch.float32), 0
    for student, teacher in zip(ours, theirs, strict=True):
        informative = teacher.sum(dim=-1) > 0
        p, q = renormalise(teacher.float()[informative]), renormalise(student.float()[informative])
        logs = q.clamp(min=_SMALLEST_SHARE).log()
        total = total + (p * (p.clamp(min=_SMALLEST_SHARE).log() - logs)).sum()
        rows += len(p)
    return total / max(1, rows)


def all_tokens(ours: torch.Tensor, theirs: torch.Tensor) -> torch.Tensor:
    """Mean squared difference of all vision tokens [B, N, D]; a scalar."""
    return ((theirs.float() - ours.float()) ** 2).mean()


def focused_tokens(ours: torch.Tensor, theirs: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Mean squared difference of the vision tokens [B, N, D] at `places` [B, k]; a scalar."""
    index = places[..., None].expand(-1, -1, ours.shape[-1])
    return all_tokens(ours.gather(1, index), theirs.gather(1, index))


def code_attention(ours: torch.Tensor, theirs: torch.Tensor, cells: int) -> torch.Tensor:
    """Mean squared difference of first-layer maps [B, H, S, S] over picture rows and text columns; a scalar.

    `theirs` went through the convolution over heads. The block is the wrong way round: a picture that
    comes first cannot see the text, both maps are 0 there, and what is left is the convolution's bias.
    The picture is taken to begin at place 1, whatever the prompt.
    """
    rows, cols = slice(_IMAGE_AT, _IMAGE_AT + cells), slice(_IMAGE_AT + cells, None)
    return ((theirs.float() - ours.float())[..., rows, cols] ** 2).mean()


def code_focus(theirs: torch.Tensor, cells: int, k: int) -> torch.Tensor:
    """Vision tokens taken to be in focus, int64 [B, k] below `cells`, of the expert's maps [B, H, S, S].

    Columns are added up over all rows and chosen among all columns, so under a causal mask early ones win;
    then 2 is taken off where 1 was due, and what becomes negative counts from the end. Places behind the
    picture, where that code would fail, count from the start here.
    """
    best = theirs.detach().float().mean(dim=1).sum(dim=1).topk(k, dim=-1).indices
    return (best - _OFF_BY) % cells


def code_outputs(logits: torch.Tensor, theirs: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of the student [B, T, V] under the expert's probabilities, in half precision; a scalar.

    Forward, though the paper means reverse; over every place, also the prompt's and padding; and unlikely
    tokens become 0 in half precision. Only the sum is taken in float32.
    """
    shares = theirs.detach().softmax(dim=-1, dtype=torch.float16)
    logs = logits.log_softmax(dim=-1, dtype=torch.float16)
    products = (shares * logs).masked_fill(torch.isinf(logits), 0)
    return -products.float().sum(dim=-1).mean()
