"""The loss of one step, term by term, over a batch whose rows have different purposes."""

from collections.abc import Sequence

import torch
from torch.nn import functional

from adapters.training.losses import map_divergence, renormalised, text_to_vision, top_divergences
from adapters.training.material import Teaching
from models.loss import IGNORED
from models.vlm import TeacherForced


def looking(forced: TeacherForced, teachings: Sequence[Teaching], mean_token: bool) -> torch.Tensor:
    """How far the first rows' words look elsewhere than the expert's, in nats; 0 when none are told.

    The batch begins with the rows that the teachings belong to.
    """
    told = [(row, t.looked) for row, t in enumerate(teachings) if t.looked is not None]
    divergences = []
    for row, wanted in told:
        cells = forced.vis[row]
        if mean_token:  # it comes first and is no place
            cells = cells & (cells.cumsum(0) > 1)
        if forced.kept is not None:  # of the expert's map, only what the student sees
            places = forced.kept[row][forced.kept[row] >= 0] - int(mean_token)
            wanted = renormalised(wanted[:, places[places >= 0]])
        looked = text_to_vision(forced.attentions[0][row], forced.txt[row], cells)
        divergences.append(map_divergence(looked, wanted))
    return torch.stack(divergences).mean() if divergences else forced.logits.new_zeros(())


def answers(forced: TeacherForced, teachings: Sequence[Teaching], words: float = 1.0) -> torch.Tensor:
    """Cross-entropy of the first rows' answers in nats a token; a row counts as its expert was sure of it.

    A row whose expert did not say how sure it was, or whose answer is not the expert's, counts as `words`.
    """
    rows = len(teachings)
    losses = functional.cross_entropy(
        forced.logits[:rows].float().flatten(0, 1),
        forced.labels[:rows].flatten(),
        ignore_index=IGNORED,
        reduction="none",
    ).unflatten(0, (rows, -1))
    told = forced.labels[:rows] != IGNORED
    trust = [_trust(forced.labels[row][told[row]], one, words) for row, one in enumerate(teachings)]
    each = losses.sum(dim=1) / told.sum(dim=1).clamp(min=1)
    weighted: torch.Tensor = each * torch.tensor(trust, device=each.device)
    return weighted.mean()


def likelihoods(forced: TeacherForced, teachings: Sequence[Teaching]) -> torch.Tensor:
    """How far the first rows' answers are from what the expert held likely, in nats; 0 when none are told.

    Only where the answer is still the expert's likeliest: a person who corrects an answer must not be
    contradicted by what the expert believed.
    """
    told = forced.labels != IGNORED
    alike: dict[int, list[int]] = {}  # experts may tell of more likely tokens or of fewer
    for row, one in enumerate(teachings):
        if one.logprobs is not None and _said(forced.labels[row][told[row]], one):
            alike.setdefault(one.logprobs.shape[1], []).append(row)
    if not alike:
        return forced.logits.new_zeros(())
    sums = [
        _divergence(forced.logits[rows], told[rows], [teachings[row] for row in rows])
        for rows in alike.values()
    ]
    return torch.stack(sums).sum() / sum(map(len, alike.values()))


def _divergence(logits: torch.Tensor, told: torch.Tensor, teachings: Sequence[Teaching]) -> torch.Tensor:
    """The sum over rows of the mean over a row's tokens, all in one go."""
    ids, logprobs = zip(*((one.ids, one.logprobs) for one in teachings), strict=True)
    each = top_divergences(logits[told], torch.cat(ids), torch.cat(logprobs))
    lengths = told.sum(dim=1)
    return (each / lengths.repeat_interleave(lengths)).sum()


def _said(labels: torch.Tensor, teaching: Teaching) -> bool:
    """Whether the answer is the one that the expert held likeliest, token by token."""
    return teaching.ids is not None and labels.tolist() == teaching.ids[:, 0].tolist()


def _trust(labels: torch.Tensor, teaching: Teaching, unsaid: float) -> float:
    """How likely the expert held a token of this answer, in (0, 1]; `unsaid` where it does not say."""
    if teaching.logprobs is None or not _said(labels, teaching):
        return unsaid
    return float(teaching.logprobs[:, 0].mean().exp())


def drift(logits: torch.Tensor, before: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
    """Mean KL(before || now) over the places that count, in nats.

    `logits` [B, T, V] of now, `before` [B, T, V] log-probabilities as they were, `counts` [B, T] bool.
    """
    was, now = before[counts].float(), logits[counts].float().log_softmax(dim=-1)
    return (was.exp() * (was - now)).sum() / counts.sum().clamp(min=1)
