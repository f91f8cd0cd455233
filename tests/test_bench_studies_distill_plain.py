"""Distances between maps mean the same whatever the number of keys, heads and layers."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.training.losses import map_divergence
from bench.studies.distill.plain import last_layer_distance, paired_layers_divergence

AT_MOST = settings(max_examples=25, deadline=None)


def maps(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).softmax(-1)


def test_times_the_keys_squared_the_error_does_not_fall_with_them() -> None:
    few, many = (
        last_layer_distance([maps(1, 256, keys)], [maps(1, 256, keys, seed=1)]).item() for keys in (49, 577)
    )
    assert few == pytest.approx(many, rel=0.3)


@AT_MOST
@given(st.integers(1, 4), st.integers(2, 6), st.integers(0, 99))
def test_rows_that_do_not_count_change_nothing_and_have_no_gradient(heads: int, keys: int, seed: int) -> None:
    looked, wanted = maps(heads, 3, keys, seed=seed).requires_grad_(), maps(heads, 3, keys, seed=seed + 1)
    counts = torch.tensor([True, False, True])
    found = last_layer_distance([looked], [wanted], counts)
    torch.testing.assert_close(found, last_layer_distance([looked[:, counts]], [wanted[:, counts]]))
    (gradient,) = torch.autograd.grad(found, looked)
    assert not gradient[:, ~counts].any() and found.dtype == torch.float32
    assert last_layer_distance([looked], [wanted], torch.zeros(3, dtype=torch.bool)).item() == 0


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
