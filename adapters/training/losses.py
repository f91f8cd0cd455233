"""Distillation losses on attention maps and likeliest tokens. Pure, float32; expert tensors are constants."""

import torch

_SMALLEST_MASS = 1e-6
_SMALLEST_SHARE = 1e-8
# A bucket of almost nothing would make a logarithm of almost nothing.
_SMALLEST_REST = 1e-4


def text_to_vision(attention: torch.Tensor, txt: torch.Tensor, vis: torch.Tensor) -> torch.Tensor:
    """Attention from the question's words to the picture, [words, N].

    `attention` [H, S, S] of one example's layer, `txt` and `vis` [S] bool. Heads are averaged; rows are
    renormalised over the vision tokens.
    """
    return renormalise(attention.float().mean(dim=0)[txt][:, vis])


def renormalise(rows: torch.Tensor) -> torch.Tensor:
    """Rows [..., N] divided by their sums; rows of 0 stay 0."""
    return rows / rows.sum(dim=-1, keepdim=True).clamp(min=_SMALLEST_MASS)


def map_divergence(student_map: torch.Tensor, expert_map: torch.Tensor) -> torch.Tensor:
    """Mean over rows of KL(wanted || looked), in nats; both [words, N] with rows that sum to 1.

    Rows of `expert_map` that are all 0 say nothing and do not count. 0 when no row counts.
    """
    counting = expert_map.sum(dim=-1) > 0
    target = expert_map[counting].detach().float()
    logs = student_map[counting].float().clamp(min=_SMALLEST_SHARE).log()
    rows: torch.Tensor = torch.special.xlogy(target, target).sum(dim=-1) - (target * logs).sum(dim=-1)
    return rows.sum() / max(1, len(rows))


def top_divergences(logits: torch.Tensor, top_ids: torch.Tensor, top_logprobs: torch.Tensor) -> torch.Tensor:
    """Forward KL(expert || student) over the expert's likeliest tokens, [N] in nats.

    `logits` [N, V] of the student; `top_ids` [N, k] int64 and `top_logprobs` [N, k] of the expert. All other
    tokens share one more bucket on both sides.
    """
    ours = _with_rest(logits.float().log_softmax(dim=-1).gather(-1, top_ids))
    theirs = _with_rest(top_logprobs.float()).detach()
    return (theirs.exp() * (theirs - ours)).sum(dim=-1)


def _with_rest(logprobs: torch.Tensor) -> torch.Tensor:
    """Log-probabilities of k tokens [..., k] and of all others together, [..., k + 1], which sum to 1."""
    rest = (1 - logprobs.exp().sum(dim=-1, keepdim=True)).clamp(min=_SMALLEST_REST).log()
    logits = torch.cat([logprobs, rest], dim=-1)
    # After rounding to half precision, or with the floor, the sum is not exactly 1.
    return logits - logits.logsumexp(dim=-1, keepdim=True)
