"""Rollout is the paper's: with the residual it still tells tokens apart, without it soon does not."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.measure.alike import entropy
from models.inside.attention import rollouts

AT_MOST = settings(max_examples=25, deadline=None)


def layers(count: int, size: int, heads: int = 2, seed: int = 0) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [(2 * torch.randn(1, heads, size, size, generator=generator)).softmax(-1) for _ in range(count)]


@AT_MOST
@given(st.integers(1, 5), st.integers(1, 6), st.booleans())
def test_rows_sum_to_one_after_every_layer(count: int, size: int, residual: bool) -> None:
    for rolled in rollouts(layers(count, size), residual):
        torch.testing.assert_close(rolled.sum(-1), torch.ones(1, size))


def test_it_is_the_product_of_the_definition() -> None:
    first, second = layers(2, 5)
    mean = [one.mean(1) for one in (first, second)]
    literal = rollouts([first, second], residual=False)
    torch.testing.assert_close(literal[1], mean[1] @ mean[0])
    half = [(one + torch.eye(5)) / 2 for one in mean]
    torch.testing.assert_close(rollouts([first, second])[1], half[1] @ half[0])


def test_without_the_residual_rows_become_alike_sooner() -> None:
    maps = layers(12, 50)
    literal, residual = rollouts(maps, residual=False), rollouts(maps)
    for layer in range(4):
        assert entropy(literal[layer]).mean() > entropy(residual[layer]).mean()
    spread = [found[3].std(dim=1).mean() for found in (literal, residual)]
    assert spread[0] < 0.1 * spread[1]
    assert literal[-1].std(dim=1).max() < 1e-6


def test_padding_is_never_reached() -> None:
    seen = torch.tensor([True, True, True, False])
    scores = torch.randn(3, 1, 2, 4, 4).masked_fill(~seen, -torch.inf)
    rolled = rollouts(list(scores.softmax(-1)))[-1]
    assert not rolled[:, :3, 3].any()


def test_a_causal_model_stays_causal_and_every_layer_has_a_gradient() -> None:
    scores = [torch.randn(1, 2, 4, 4, requires_grad=True) for _ in range(3)]
    hidden = torch.ones(4, 4).triu(1).bool()
    rolled = rollouts([one.masked_fill(hidden, -torch.inf).softmax(-1) for one in scores])[-1]
    assert not rolled[0][hidden].any()
    rolled[0, 3, 0].backward()
    assert all(one.grad is not None and bool(one.grad.any()) for one in scores)
