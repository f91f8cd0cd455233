"""The loss terms of one step, over a batch whose rows serve different purposes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch.nn import functional

from adapters.training.losses import map_divergence, renormalise, text_to_vision, top_divergences
from adapters.training.material import Teaching
from models.loss import IGNORED
from models.vlm import TeacherForced


def attention_term(forced: TeacherForced, teachings: Sequence[Teaching], mean_token: bool) -> torch.Tensor:
    """Divergence of the first rows' attention maps from the expert's, in nats; 0 without maps.

    The batch begins with the rows of the teachings.
    """
    targets = [(row, t.attention) for row, t in enumerate(teachings) if t.attention is not None]
    divergences = []
    for row, target in targets:
        cells = forced.vis[row]
        if mean_token:  # it comes first and is no place
            cells = cells & (cells.cumsum(0) > 1)
        if forced.kept is not None:  # the part of the expert's map that the student sees
            places = forced.kept[row][forced.kept[row] >= 0] - int(mean_token)
            target = renormalise(target[:, places[places >= 0]])
        student_map = text_to_vision(forced.attentions[0][row], forced.txt[row], cells)
        divergences.append(map_divergence(student_map, target))
    return torch.stack(divergences).mean() if divergences else forced.logits.new_zeros(())


def look_term(
    looks: torch.Tensor,
    labels: torch.Tensor,
    vis: torch.Tensor,
    teachings: Sequence[Teaching],
    mean_token: bool,
) -> torch.Tensor:
    """Divergence of where the first rows' answers look from where the expert did, in nats; 0 without maps.

    `looks` [B, T, S], `labels` [B, T], `vis` [B, S] bool. The expert's map is of the question's words, the
    student's of the answer's, so their means are compared.
    """
    divergences = []
    for row, item in enumerate(teachings):
        if item.attention is None:
            continue
        cells = vis[row] & (vis[row].cumsum(0) > 1) if mean_token else vis[row]
        if int(cells.sum()) != item.attention.shape[1]:  # pruned
            continue
        look = renormalise(looks[row][labels[row] != IGNORED].mean(dim=0, keepdim=True)[:, cells])
        divergences.append(map_divergence(look, renormalise(item.attention.mean(dim=0, keepdim=True))))
    return torch.stack(divergences).mean() if divergences else looks.new_zeros(())


class Prediction(Protocol):
    """What a pass over known answers predicts: a `TeacherForced`, or `Predicted`."""

    @property
    def logits(self) -> torch.Tensor: ...
    @property
    def labels(self) -> torch.Tensor: ...


@dataclass(frozen=True)
class Predicted:
    """`logits` [B, T, V] predict `labels` [B, T], -100 on padding."""

    logits: torch.Tensor
    labels: torch.Tensor


def answer_term(forced: Prediction, teachings: Sequence[Teaching], words: float = 1.0) -> torch.Tensor:
    """Cross-entropy of the first rows' answers in nats a token, weighted by the expert's confidence.

    A row without the expert's likelihoods, or with another answer than the expert's, weighs `words`.
    """
    rows = len(teachings)
    losses = functional.cross_entropy(
        forced.logits[:rows].float().flatten(0, 1),
        forced.labels[:rows].flatten(),
        ignore_index=IGNORED,
        reduction="none",
    ).unflatten(0, (rows, -1))
    answered = forced.labels[:rows] != IGNORED
    trust = [_trust(forced.labels[row][answered[row]], item, words) for row, item in enumerate(teachings)]
    each = losses.sum(dim=1) / answered.sum(dim=1).clamp(min=1)
    weighted: torch.Tensor = each * torch.tensor(trust, device=each.device)
    return weighted.mean()


def likelihood_term(forced: Prediction, teachings: Sequence[Teaching]) -> torch.Tensor:
    """Divergence of the first rows' answers from the expert's likelihoods, in nats; 0 without any.

    Only where the answer is the expert's likeliest: the expert must not contradict a person's correction.
    """
    answered = forced.labels != IGNORED
    rows_by_k: dict[int, list[int]] = {}  # experts may tell of more likely tokens or of fewer
    for row, item in enumerate(teachings):
        if item.logprobs is not None and _is_likeliest(forced.labels[row][answered[row]], item):
            rows_by_k.setdefault(item.logprobs.shape[1], []).append(row)
    if not rows_by_k:
        return forced.logits.new_zeros(())
    sums = [
        _divergence(forced.logits[rows], answered[rows], [teachings[row] for row in rows])
        for rows in rows_by_k.values()
    ]
    return torch.stack(sums).sum() / sum(map(len, rows_by_k.values()))


def _divergence(logits: torch.Tensor, answered: torch.Tensor, teachings: Sequence[Teaching]) -> torch.Tensor:
    """The sum over rows of the mean over a row's tokens."""
    ids, logprobs = zip(*((item.ids, item.logprobs) for item in teachings), strict=True)
    each = top_divergences(logits[answered], torch.cat(ids), torch.cat(logprobs))
    lengths = answered.sum(dim=1)
    return (each / lengths.repeat_interleave(lengths)).sum()


def _is_likeliest(labels: torch.Tensor, teaching: Teaching) -> bool:
    """Whether every token of the answer is the expert's likeliest."""
    return teaching.ids is not None and labels.tolist() == teaching.ids[:, 0].tolist()


def _trust(labels: torch.Tensor, teaching: Teaching, default: float) -> float:
    """The expert's geometric mean token probability of this answer, in (0, 1]; `default` without one."""
    if teaching.logprobs is None or not _is_likeliest(labels, teaching):
        return default
    return float(teaching.logprobs[:, 0].mean().exp())


def drift_term(logits: torch.Tensor, before: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
    """Mean KL(before || now) over the places that count, in nats.

    `logits` [B, T, V] now, `before` [B, T, V] log-probabilities, `counts` [B, T] bool.
    """
    was, now = before[counts].float(), logits[counts].float().log_softmax(dim=-1)
    return (was.exp() * (was - now)).sum() / counts.sum().clamp(min=1)
