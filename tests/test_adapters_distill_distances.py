"""Distances between maps mean the same whatever the number of keys, heads and layers."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.distill.distances import cross_entropy_of_scores, density_squared, squared
from adapters.distill.plain import attention_transfer, last_layer_distance, paired_layers_divergence
from adapters.losses import map_divergence

AT_MOST = settings(max_examples=25, deadline=None)


def maps(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).softmax(-1)


def test_times_the_keys_squared_the_error_no_longer_falls_with_them() -> None:
    few, many = ([maps(256, keys, seed=seed) for seed in (0, 1)] for keys in (49, 577))
    assert squared(*few) > 60 * squared(*many)
    assert density_squared(*few).item() == pytest.approx(density_squared(*many).item(), rel=0.3)


@AT_MOST
@given(st.integers(1, 4), st.integers(2, 6), st.integers(0, 99))
def test_rows_that_do_not_count_change_nothing_and_have_no_gradient(heads: int, keys: int, seed: int) -> None:
    looked, wanted = maps(heads, 3, keys, seed=seed).requires_grad_(), maps(heads, 3, keys, seed=seed + 1)
    counts = torch.tensor([True, False, True])
    for distance in (squared, density_squared, cross_entropy_of_scores):
        found = distance(looked, wanted, counts)
        torch.testing.assert_close(found, distance(looked[:, counts], wanted[:, counts]))
        (gradient,) = torch.autograd.grad(found, looked)
        assert not gradient[:, ~counts].any() and found.dtype == torch.float32
        assert distance(looked, wanted, torch.zeros(3, dtype=torch.bool)).item() == 0
    assert squared(looked, looked).item() == 0


def test_the_cross_entropy_of_scores_has_the_gradient_of_the_divergence_and_minds_no_hidden_key() -> None:
    scores, wanted = torch.randn(2, 3, 5, requires_grad=True), maps(2, 3, 5)
    of_scores = torch.autograd.grad(cross_entropy_of_scores(scores, wanted), scores)
    of_maps = torch.autograd.grad(map_divergence(scores.softmax(-1), wanted), scores)
    torch.testing.assert_close(of_scores, of_maps)
    causal = torch.ones(5, 5).triu(1).bool()
    hidden = torch.randn(5, 5).masked_fill(causal, -torch.inf).requires_grad_()
    found = cross_entropy_of_scores(hidden, torch.randn(5, 5).masked_fill(causal, -torch.inf).softmax(-1))
    found.backward()
    assert found.isfinite() and hidden.grad is not None and bool(hidden.grad.isfinite().all())


def test_plain_distillation_takes_other_depths_and_heads_and_is_nothing_between_equals() -> None:
    ours, theirs = [maps(2, 4, 5, seed=s) for s in range(2)], [maps(3, 4, 5, seed=s) for s in range(4)]
    same = last_layer_distance(ours, [theirs[0], ours[1]])
    assert same.item() == 0 and paired_layers_divergence(ours, ours).item() == pytest.approx(0, abs=1e-6)
    mean = (
        map_divergence(ours[0].mean(0), theirs[1].mean(0)),
        map_divergence(ours[1].mean(0), theirs[3].mean(0)),
    )
    torch.testing.assert_close(paired_layers_divergence(ours, theirs), sum(mean) / torch.tensor(2.0))
    expected = ((ours[1].mean(0) - theirs[3].mean(0)) ** 2).mean() * 25
    torch.testing.assert_close(last_layer_distance(ours, theirs), expected)


def test_attention_transfer_sums_the_first_three_quarters_of_the_layers() -> None:
    scores, theirs = list(torch.randn(4, 1, 2, 3, 5)), [maps(1, 2, 3, 5, seed=s) for s in range(4)]
    every = [cross_entropy_of_scores(*pair) for pair in zip(scores, theirs, strict=True)]
    torch.testing.assert_close(attention_transfer(scores, theirs), torch.stack(every[:3]).sum())
    with pytest.raises(ValueError, match="same architecture"):
        attention_transfer(scores, theirs[:2])
