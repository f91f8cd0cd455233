"""Autoencoders learn maps, the same way every time, and say how well."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_maps import looks
from torch.nn.functional import mse_loss

from adapters.training.codes import contrast, standardise
from bench.studies.distill.autoencoder import new_autoencoder
from bench.studies.distill.fitting import (
    FitSettings,
    explained_variance,
    fit_alone,
    split_by_picture,
)
from bench.studies.distill.pairing import fit_scale

SETTINGS = FitSettings(width=4, batch=16, learning_rate=5e-3, held_out=0.25)


def scaled(count: int, seed: int = 0) -> torch.Tensor:
    dense = contrast(looks(count, seed))
    return standardise(dense, fit_scale(dense))


@given(
    images=st.lists(st.integers(0, 5), min_size=2, max_size=30).filter(lambda found: len(set(found)) > 1),
    share=st.floats(0, 1),
    seed=st.integers(0, 9),
)
def test_a_picture_is_learnt_from_or_held_out_and_never_both(
    images: list[int], share: float, seed: int
) -> None:
    fitted, held = split_by_picture(torch.tensor(images), replace(SETTINGS, held_out=share, seed=seed))
    assert sorted(torch.cat([fitted, held]).tolist()) == list(range(len(images)))
    assert {images[row] for row in fitted} and {images[row] for row in held}
    assert not {images[row] for row in fitted} & {images[row] for row in held}


def test_one_picture_is_too_few() -> None:
    with pytest.raises(ValueError, match="two pictures"):
        split_by_picture(torch.zeros(5, dtype=torch.int64), SETTINGS)


@pytest.mark.parametrize("variational", [False, True])
def test_it_learns_more_than_the_mean_map(variational: bool) -> None:
    maps = scaled(48)
    settings = replace(SETTINGS, epochs=20, variational=variational)
    rows = split_by_picture(torch.arange(len(maps)), settings)
    autoencoder = new_autoencoder((2, 8, 8), settings.width, variational, seed=0)
    usual, unseen = maps[rows[0]].mean(dim=0), maps[rows[1]]
    with torch.no_grad():
        before = explained_variance(autoencoder(unseen), unseen, usual)
    fit_alone(autoencoder, maps, rows, settings)
    with torch.no_grad():
        after = explained_variance(autoencoder(unseen), unseen, usual)
    assert bool((before < 0.1).all()) and bool((after > 0.5).all()), after


def test_it_ends_when_unseen_pictures_gain_no_more_and_keeps_the_best() -> None:
    maps = torch.randn(24, 1, 6, 6, generator=torch.Generator().manual_seed(0))  # nothing to be learnt
    settings = replace(SETTINGS, epochs=200, patience=2, learning_rate=1e-2, width=16)
    rows = split_by_picture(torch.arange(24), settings)
    autoencoder = new_autoencoder((1, 6, 6), 16, False, seed=0)
    fit_alone(autoencoder, maps, rows, replace(settings, epochs=30))
    patient = new_autoencoder((1, 6, 6), 16, False, seed=0)
    fit_alone(patient, maps, rows, replace(settings, epochs=30, patience=30))
    with torch.no_grad():
        found, other = (mse_loss(one(maps[rows[1]]), maps[rows[1]]) for one in (autoencoder, patient))
    assert found < 1.2 and other <= found


def test_explained_is_1_for_the_maps_0_for_the_mean_map_and_0_where_nothing_differs() -> None:
    maps = torch.rand(6, 2, 4, 4)
    maps[:, 1] = maps[:1, 1]
    usual = maps.mean(dim=0)
    torch.testing.assert_close(explained_variance(maps, maps, usual), torch.tensor([1.0, 0.0]))
    torch.testing.assert_close(explained_variance(usual.expand_as(maps), maps, usual), torch.zeros(2))
    assert explained_variance(maps + 1, maps, usual)[0].item() < 0
