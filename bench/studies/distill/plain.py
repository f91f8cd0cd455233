"""The expert's next-token distributions and its attention, distilled as they are.

Attention is what SF4 may mean: a, the last layer's maps, heads averaged; b, the divergence over all paired
layers; c is the divergence of outputs. Maps are one example's in the student's order and tokens, see
`reading`; outputs need the same vocabulary and answer. Pure functions, float32; the expert is a constant.
"""

from collections.abc import Sequence

import torch

from adapters.training.codes import paired_layers
from adapters.training.losses import map_divergence, renormalise
from bench.studies.distill.reading import mean_heads
from models.loss import IGNORED


def last_layer_distance(
    ours: Sequence[torch.Tensor], theirs: Sequence[torch.Tensor], counts: torch.Tensor | None = None
) -> torch.Tensor:
    """SF4a: squared distance of the last layers' mean maps as multiples of the uniform map; a scalar.

    `ours` and `theirs` are layers [H, Q, K], `counts` [Q] bool the rows that count. The plain squared error
    of alike maps falls as 1 / K² with the number of keys K, so a weight of it means nothing across models;
    times K² it does. 0, with a gradient of 0, when no row counts.
    """
    student, teacher = mean_heads(ours[-1]), mean_heads(theirs[-1]).detach()
    rows = ((student - teacher) ** 2).mean(dim=-1)
    rows = rows if counts is None else rows[counts]
    return rows.sum() / max(1, len(rows)) * student.shape[-1] ** 2


def paired_layers_divergence(ours: Sequence[torch.Tensor], theirs: Sequence[torch.Tensor]) -> torch.Tensor:
    """SF4b: KL(theirs || ours) in nats, mean over rows and over our layers, each with its pair; a scalar.

    Rows [Q] are renormalised over the K keys; rows without mass in theirs do not count.
    """
    pairs = [
        (renormalise(mean_heads(ours[mine])), renormalise(mean_heads(theirs[other])))
        for mine, other in paired_layers(len(ours), len(theirs))
    ]
    return torch.stack([map_divergence(student, teacher) for student, teacher in pairs]).mean()


def forward_divergence(logits: torch.Tensor, theirs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mean KL(expert || student) in nats over the places with a label: covers all the expert holds possible.

    `logits`, `theirs` [B, T, V], `labels` [B, T] with -100 where nothing counts. 0, with a gradient of 0,
    when no place counts. Raises ValueError for other vocabularies.
    """
    student, expert = _log_probabilities(logits, theirs, labels)
    return _divergence(expert, student)


def reverse_divergence(logits: torch.Tensor, theirs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mean KL(student || expert), as `forward_divergence`: seeks modes, though Align-KD says the opposite."""
    student, expert = _log_probabilities(logits, theirs, labels)
    return _divergence(student, expert)


def _log_probabilities(
    logits: torch.Tensor, theirs: torch.Tensor, labels: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-probabilities [n, V] of both where a label counts; the expert's without gradient."""
    if logits.shape != theirs.shape:
        raise ValueError(
            f"logits of shapes {tuple(logits.shape)} and {tuple(theirs.shape)} cannot be compared"
        )
    counts = labels != IGNORED
    student, expert = (values[counts].float().log_softmax(dim=-1) for values in (logits, theirs.detach()))
    return student, expert


def _divergence(p: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
    """Mean over rows of KL(p || q) of log-probabilities [n, V]; a token that p rules out adds nothing."""
    terms = torch.where(torch.isinf(p), torch.zeros_like(p), p.exp() * (p - q))
    return terms.sum() / max(1, len(p))
