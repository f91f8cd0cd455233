"""Autoencoders of maps: shapes of every grid, equal seeds, and a size for a small machine."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributions import Normal, kl_divergence

from bench.studies.distill.autoencoder import Code, beta, freeze, new_autoencoder, prior_divergence


@settings(max_examples=15, deadline=None)
@given(
    channels=st.integers(1, 4),
    rows=st.integers(1, 13),
    cols=st.integers(1, 13),
    width=st.integers(1, 6),
    variational=st.booleans(),
)
def test_what_comes_back_has_the_shape_of_what_went_in(
    channels: int, rows: int, cols: int, width: int, variational: bool
) -> None:
    autoencoder = new_autoencoder((channels, rows, cols), width, variational, seed=0)
    maps = torch.zeros(2, channels, rows, cols, dtype=torch.float16)
    code = autoencoder.encode(maps)
    assert code.mean.shape == (2, width) and code.mean.dtype == torch.float32
    assert (code.logvar is None) is not variational
    assert autoencoder(maps).shape == maps.shape
    assert code.sample(torch.Generator().manual_seed(0)).shape == (2, width)


def test_a_third_of_a_million_weights_suffice_for_six_maps_of_24_by_24() -> None:
    autoencoder = new_autoencoder((6, 24, 24), 64, False, seed=0)
    assert 300_000 < sum(part.numel() for part in autoencoder.parameters()) < 450_000


def test_equal_seeds_give_equal_weights_and_leave_the_global_state_alone() -> None:
    before = torch.get_rng_state()
    first, second, other = (new_autoencoder((1, 5, 7), 3, False, seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert not torch.equal(first.to_code.weight, other.to_code.weight)


def test_a_frozen_one_passes_gradients_on_and_keeps_none() -> None:
    autoencoder = freeze(new_autoencoder((1, 5, 7), 3, False, seed=0))
    maps = torch.rand(2, 1, 5, 7, requires_grad=True)
    autoencoder(maps).sum().backward()
    assert maps.grad is not None and bool(maps.grad.any())
    assert all(part.grad is None for part in autoencoder.parameters())


def test_maps_of_another_grid_are_refused() -> None:
    with pytest.raises(ValueError, match="not \\(2, 5, 7\\)"):
        new_autoencoder((2, 5, 7), 3, False, seed=0).encode(torch.rand(2, 2, 7, 5))


def code(seed: int) -> Code:
    generator = torch.Generator().manual_seed(seed)
    mean, logvar = (torch.randn(4, 3, generator=generator) for _ in range(2))
    return Code(mean, logvar)


def normal(one: Code) -> Normal:
    assert one.logvar is not None
    return Normal(one.mean, (one.logvar / 2).exp())


def test_the_priors_divergence_is_that_of_normal_distributions() -> None:
    ours = code(0)
    prior = kl_divergence(normal(ours), Normal(0.0, 1.0)).mean(dim=0)
    torch.testing.assert_close(prior_divergence(ours), prior)
    assert not prior_divergence(Code(ours.mean)).any()


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
