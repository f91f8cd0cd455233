"""What the expert nearly said: how far the next token's distributions are apart over an answer.

They need the same vocabulary and the same answer. Pure functions, float32; the expert is a constant.
"""

import torch

from models.loss import IGNORED


def forward_divergence(logits: torch.Tensor, theirs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mean KL(expert || student) in nats over the places with a label: covers all the expert holds possible.

    `logits`, `theirs` [B, T, V], `labels` [B, T] with -100 where nothing counts. 0, with a gradient of 0,
    when no place counts. Raises ValueError for other vocabularies.
    """
    student, expert = _log_probabilities(logits, theirs, labels)
    return _divergence(expert, student)


def reverse_divergence(logits: torch.Tensor, theirs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mean KL(student || expert), as `forward_divergence`: settles on what the expert holds likeliest.

    It is the one that seeks modes; the Align-KD paper says it the other way round.
    """
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
    student, expert = (one[counts].float().log_softmax(dim=-1) for one in (logits, theirs.detach()))
    return student, expert


def _divergence(p: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
    """Mean over rows of KL(p || q) of log-probabilities [n, V]; a token that p rules out adds nothing."""
    apart = torch.where(torch.isinf(p), torch.zeros_like(p), p.exp() * (p - q))
    return apart.sum() / max(1, len(p))
