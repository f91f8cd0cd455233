"""What an adapter is trained on beside the expert's words: where it looked, and what else it nearly said.

Pure functions of tensors, all computed in float32. Every tensor of the expert is a constant.
"""

import torch

_SMALLEST_MASS = 1e-6
_SMALLEST_SHARE = 1e-8
# A bucket of almost nothing would make a logarithm of almost nothing.
_SMALLEST_REST = 1e-4


def text_to_vision(attention: torch.Tensor, txt: torch.Tensor, vis: torch.Tensor) -> torch.Tensor:
    """Where the question's words look in the picture: one row a word, in order, [words, N].

    `attention` [H, S, S] of one example's layer, `txt` and `vis` [S] bool. Heads are averaged; rows are
    renormalised over the vision tokens, so that words competing for mass does not matter.
    """
    return renormalised(attention.float().mean(dim=0)[txt][:, vis])


def renormalised(rows: torch.Tensor) -> torch.Tensor:
    """Rows [..., N] divided by their sums; a row of nothing stays that."""
    return rows / rows.sum(dim=-1, keepdim=True).clamp(min=_SMALLEST_MASS)


def map_divergence(looked: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Mean over rows of KL(wanted || looked), in nats; both [words, N] with rows that sum to 1.

    Rows of `wanted` that are all 0 say nothing and do not count. 0 when no row counts.
    """
    told = wanted.sum(dim=-1) > 0
    target = wanted[told].detach().float()
    logs = looked[told].float().clamp(min=_SMALLEST_SHARE).log()
    rows: torch.Tensor = torch.special.xlogy(target, target).sum(dim=-1) - (target * logs).sum(dim=-1)
    return rows.sum() / max(1, len(rows))


def top_divergences(logits: torch.Tensor, top_ids: torch.Tensor, top_logprobs: torch.Tensor) -> torch.Tensor:
    """KL(expert || student) between the expert's likeliest tokens and the student's, [N] in nats.

    `logits` [N, V] of the student; `top_ids` [N, k] int64 and `top_logprobs` [N, k] of the expert. What the k
    tokens leave over goes into one more bucket on both sides. Forward, it covers all that the expert holds
    possible.
    """
    ours = _with_rest(logits.float().log_softmax(dim=-1).gather(-1, top_ids))
    theirs = _with_rest(top_logprobs.float()).detach()
    rows: torch.Tensor = (theirs.exp() * (theirs - ours)).sum(dim=-1)
    return rows


def _with_rest(logprobs: torch.Tensor) -> torch.Tensor:
    """Log-probabilities of k tokens [..., k] and of all others together, [..., k + 1], which sum to 1."""
    rest = (1 - logprobs.exp().sum(dim=-1, keepdim=True)).clamp(min=_SMALLEST_REST).log()
    every = torch.cat([logprobs, rest], dim=-1)
    # Rounding to half precision, or the floor of the bucket, leaves a sum beside 1.
    return every - every.logsumexp(dim=-1, keepdim=True)
