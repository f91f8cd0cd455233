"""What the expert nearly said: how far the next token's distributions are apart over an answer.

They need the same vocabulary and the same answer. With only the likeliest tokens at hand there is
`adapters.losses.top_divergence`. Pure functions, float32; the expert is a constant.
"""

import torch

from models.loss import IGNORED


def forward_divergence(
    logits: torch.Tensor, theirs: torch.Tensor, labels: torch.Tensor, temperature: float = 1.0
) -> torch.Tensor:
    """Mean KL(expert || student) in nats over the places with a label: covers all the expert holds possible.

    `logits`, `theirs` [B, T, V], `labels` [B, T] with -100 where nothing counts. Above a temperature of 1
    unlikely tokens weigh more; its square keeps the size of the gradient (Hinton et al. 2015). 0, with a
    gradient of 0, when no place counts. Raises ValueError for other vocabularies or a temperature of 0.
    """
    student, expert = _log_probabilities(logits, theirs, labels, temperature)
    return _divergence(expert, student) * temperature**2


def reverse_divergence(logits: torch.Tensor, theirs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mean KL(student || expert), as `forward_divergence`: settles on what the expert holds likeliest.

    It is the one that seeks modes; the Align-KD paper says it the other way round.
    """
    student, expert = _log_probabilities(logits, theirs, labels, 1.0)
    return _divergence(student, expert)


def likeliest(logits: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids int64 and log-probabilities float32 of the k likeliest tokens, [B, T, k] each, of [B, T, V]."""
    values, ids = logits.detach().float().log_softmax(dim=-1).topk(k, dim=-1)
    return ids, values


def _log_probabilities(
    logits: torch.Tensor, theirs: torch.Tensor, labels: torch.Tensor, temperature: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-probabilities [n, V] of both where a label counts; the expert's without gradient."""
    if logits.shape != theirs.shape:
        raise ValueError(
            f"logits of shapes {tuple(logits.shape)} and {tuple(theirs.shape)} cannot be compared"
        )
    if temperature <= 0:
        raise ValueError(f"{temperature} is no temperature")
    counts = labels != IGNORED
    student, expert = (
        (one[counts].float() / temperature).log_softmax(dim=-1) for one in (logits, theirs.detach())
    )
    return student, expert


def _divergence(p: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
    """Mean over rows of KL(p || q) of log-probabilities [n, V]; a token that p rules out adds nothing."""
    apart = torch.where(torch.isinf(p), torch.zeros_like(p), p.exp() * (p - q))
    return apart.sum() / max(1, len(p))
