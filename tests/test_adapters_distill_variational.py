"""Distances of distributions are 0 at equality and agree with what torch knows of normal distributions."""

from collections.abc import Callable

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from adapters.distill.autoencoder import Code
from adapters.distill.variational import beta, divergence, idle_share, prior_divergence, wasserstein


def code(seed: int, gradient: bool = False) -> Code:
    generator = torch.Generator().manual_seed(seed)
    mean, logvar = (torch.randn(4, 3, generator=generator) for _ in range(2))
    return Code(mean.requires_grad_(gradient), logvar.requires_grad_(gradient))


def normal(one: Code) -> Normal:
    assert one.logvar is not None
    return Normal(one.mean, (one.logvar / 2).exp())


def test_divergences_are_those_of_normal_distributions() -> None:
    ours, theirs = code(0), code(1)
    torch.testing.assert_close(divergence(ours, theirs), kl_divergence(normal(theirs), normal(ours)))
    prior = kl_divergence(normal(ours), Normal(0.0, 1.0)).mean(dim=0)
    torch.testing.assert_close(prior_divergence(ours), prior)
    assert not prior_divergence(Code(ours.mean)).any()


@pytest.mark.parametrize("distance", [divergence, wasserstein])
def test_equal_codes_are_at_distance_0_and_the_expert_is_a_constant(
    distance: Callable[[Code, Code], torch.Tensor],
) -> None:
    ours, theirs = code(0, gradient=True), code(1, gradient=True)
    torch.testing.assert_close(distance(ours, ours), torch.zeros(4, 3))
    distance(ours, theirs).sum().backward()
    assert theirs.mean.grad is None and theirs.logvar is not None and theirs.logvar.grad is None
    assert ours.mean.grad is not None and ours.logvar is not None and ours.logvar.grad is not None
    with pytest.raises(ValueError, match="compare their means"):
        distance(Code(ours.mean), theirs)


def test_the_alarm_counts_dimensions_that_tell_nothing() -> None:
    mean = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    assert idle_share(Code(mean, torch.zeros(2, 2))) == 0.5


def test_the_prior_comes_in_over_the_first_third() -> None:
    weights = [beta(step, 30, 0.01) for step in range(30)]
    assert weights[0] == 0 and weights == sorted(weights)
    assert weights[5] == pytest.approx(0.005) and weights[10:] == [0.01] * 20


def test_draws_spread_around_the_mean_as_told() -> None:
    wide = Code(torch.full((4000, 1), 2.0), torch.full((4000, 1), 2 * torch.tensor(0.5).log().item()))
    draws = wide.sample(torch.Generator().manual_seed(0))
    assert draws.mean().item() == pytest.approx(2, abs=0.05)
    assert draws.std().item() == pytest.approx(0.5, abs=0.05)
    assert Code(wide.mean).sample(torch.Generator()) is wide.mean
