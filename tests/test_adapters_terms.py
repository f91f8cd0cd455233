"""The terms of a step's loss over rows of different lengths, tellers and purposes."""

import math

import pytest
import torch
from torch.nn import functional

from adapters.training.losses import top_divergences
from adapters.training.material import Teaching
from adapters.training.terms import answer_term, likelihood_term, look_term
from models.loss import IGNORED
from models.vlm import TeacherForced


def told(length: int, count: int) -> Teaching:
    logprobs, ids = torch.randn(length, 40).log_softmax(-1).topk(count)
    return Teaching(ids=ids, logprobs=logprobs)


def forced(taught: list[Teaching], corrected: int) -> TeacherForced:
    logits = torch.randn(len(taught), 3, 40, requires_grad=True)
    labels = torch.full((len(taught), 3), IGNORED)
    for row, one in enumerate(taught):
        if one.ids is not None:
            labels[row, : len(one.ids)] = one.ids[:, 0] + (row == corrected)
    nowhere = torch.zeros(len(taught), 1, dtype=torch.bool)
    return TeacherForced(logits, labels, nowhere, nowhere, nowhere)


def test_likelihoods_are_the_mean_of_each_rows_own() -> None:
    torch.manual_seed(0)
    taught = [Teaching(), told(1, 8), told(3, 8), told(2, 5), told(2, 8)]
    rows = forced(taught, corrected=4)
    found = likelihood_term(rows, taught)
    each = []
    for row in (1, 2, 3):  # nothing is told of the first, and the last is not the expert's own
        ids, logprobs = taught[row].ids, taught[row].logprobs
        assert ids is not None and logprobs is not None
        each.append(top_divergences(rows.logits[row, : len(ids)], ids, logprobs).mean())
    mean = torch.stack(each).mean()
    assert found.item() == pytest.approx(mean.item(), rel=1e-6)
    ours, theirs = (torch.autograd.grad(one, rows.logits)[0] for one in (found, mean))
    assert torch.allclose(ours, theirs, atol=1e-7)


def test_likelihoods_of_nobody_are_nothing() -> None:
    taught = [Teaching(), told(2, 8)]
    assert likelihood_term(forced(taught, corrected=1), taught).item() == 0


def test_an_answer_counts_as_its_expert_was_sure_and_without_likelihoods_as_words_do() -> None:
    torch.manual_seed(0)
    taught = [Teaching(), told(3, 8), told(2, 8)]
    rows = forced(taught, corrected=2)
    rows.labels[0, :2] = 7
    each = [functional.cross_entropy(rows.logits[row], rows.labels[row]) for row in range(3)]
    assert taught[1].logprobs is not None
    sure = taught[1].logprobs[:, 0].mean().exp()
    for words in (1.0, 4.0):  # the first has no expert who tells, of the last a person put the answer right
        wanted = (words * each[0] + sure * each[1] + words * each[2]) / 3
        assert answer_term(rows, taught, words).item() == pytest.approx(wanted.item(), rel=1e-5)


def test_a_look_at_what_the_expert_looked_at_costs_nothing_and_another_does() -> None:
    vis = torch.tensor([[True, True, True, False]])  # the mean token, two cells, a word
    labels = torch.tensor([[5, IGNORED]])
    taught = [Teaching(torch.tensor([[0.25, 0.75], [0.25, 0.75]]))]
    alike = torch.tensor([[[0.2, 0.15, 0.45, 0.2], [1.0, 0.0, 0.0, 0.0]]])
    assert look_term(alike, labels, vis, taught, mean_token=True).item() == pytest.approx(0.0, abs=1e-6)
    other = torch.tensor([[[0.2, 0.45, 0.15, 0.2], [1.0, 0.0, 0.0, 0.0]]])
    expected = 0.25 * math.log(0.25 / 0.75) + 0.75 * math.log(0.75 / 0.25)
    assert look_term(other, labels, vis, taught, mean_token=True).item() == pytest.approx(expected, rel=1e-4)
    assert look_term(alike, labels, vis, [Teaching()], mean_token=True).item() == 0.0
