"""Canonical maps have one shape and scale for every model; a kept encoder codes them as it was fitted."""

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_maps import blurred, looks, untrained

from adapters.training.codes import contrast, heat_maps, load_map_coder, paired_layers, standardise
from bench.studies.distill.pairing import fit_scale
from bench.studies.distill.transfer import save_transfer
from models.alignment import resample_keys

AT_MOST = settings(max_examples=25, deadline=None)


def picture(cells: int, words: int, padding: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    kinds = torch.tensor([0] * cells + [1] * words + [2] * (padding + 1))
    return kinds == 0, kinds == 1


@AT_MOST
@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 3), st.booleans())
def test_any_model_becomes_the_same_shape_and_each_map_sums_to_one(
    rows: int, cols: int, heads: int, mean: bool
) -> None:
    vis, txt = picture(rows * cols + mean, 3)
    layers = [torch.rand(2, heads, len(vis), len(vis)).softmax(-1) for _ in range(2)]
    heat = heat_maps(layers, vis.expand(2, -1), txt.expand(2, -1), (rows, cols), mean, to=(3, 5))
    assert heat.shape == (2, 2, 3, 5)
    torch.testing.assert_close(heat.sum((2, 3)), torch.ones(2, 2))


def test_on_its_own_grid_it_is_the_mean_row_renormalised_and_padding_says_nothing() -> None:
    vis, txt = picture(7, 2, padding=2)
    attention = torch.rand(1, 3, 12, 12).softmax(-1)
    heat = heat_maps([attention], vis[None], txt[None], (2, 3), True, to=(2, 3))
    row = attention[0].mean(0)[txt].mean(0)
    torch.testing.assert_close(heat[0, 0].flatten(), row[1:7] / row[1:7].sum())
    noise = attention.clone()
    noise[:, :, ~txt] = 9
    again = heat_maps([noise, noise.mean(1)], vis[None], txt[None], (2, 3), True, to=(2, 3))
    torch.testing.assert_close(again, heat.expand(1, 2, 2, 3))


def test_a_map_that_looks_nowhere_in_particular_is_nothing_on_any_grid() -> None:
    for cells in (49, 144, 576):
        even = torch.full((1, 1, 1, cells), 1 / cells)
        torch.testing.assert_close(contrast(even), torch.zeros_like(even), atol=2e-3, rtol=0)


def test_the_same_look_on_a_finer_grid_has_the_same_size() -> None:
    # Raw squared differences fall with the square of the number of cells.
    coarse, other = looks(2, seed=0).split(1)
    fine, finer = resample_keys(coarse, 16, 16), resample_keys(other, 16, 16)
    raw = ((coarse - other) ** 2).mean() / ((fine - finer) ** 2).mean()
    assert raw.item() == pytest.approx(16, rel=0.01)
    dense = ((contrast(coarse) - contrast(other)) ** 2).mean()
    torch.testing.assert_close(((contrast(fine) - contrast(finer)) ** 2).mean(), dense, rtol=0.05, atol=0)


def test_the_experts_maps_are_standard_and_the_students_keep_their_difference() -> None:
    teacher = contrast(looks(20, seed=0))
    scale = fit_scale(teacher)
    spread, mean = torch.std_mean(standardise(teacher, scale), dim=(0, 2, 3), correction=0)
    torch.testing.assert_close(mean, torch.zeros(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(spread, torch.ones(2))
    flatter = standardise(contrast(blurred(looks(20, seed=0))), scale)
    assert bool((flatter.std(dim=(0, 2, 3)) < 0.9).all())


def test_a_channel_that_never_changes_stays_finite() -> None:
    even = contrast(torch.full((3, 1, 4, 4), 1 / 16))
    assert bool(standardise(even, fit_scale(even)).isfinite().all())


def test_no_maps_have_no_scale() -> None:
    with pytest.raises(ValueError, match="canonical maps"):
        fit_scale(torch.zeros(0, 2, 4, 4))


def test_six_of_twelve_are_every_second() -> None:
    assert paired_layers(6, 12) == [(0, 1), (1, 3), (2, 5), (3, 7), (4, 9), (5, 11)]
    assert paired_layers(2, 2) == [(0, 0), (1, 1)]
    with pytest.raises(ValueError, match="paired"):
        paired_layers(0, 3)


@AT_MOST
@given(st.integers(1, 40), st.integers(1, 40))
def test_pairs_go_up_and_end_at_both_last_layers(ours: int, theirs: int) -> None:
    pairs = paired_layers(ours, theirs)
    taught = [layer for _, layer in pairs]
    assert pairs[-1] == (ours - 1, theirs - 1) and taught == sorted(taught) and taught[0] >= 0
    if theirs >= ours:
        assert len(set(taught)) == ours


@pytest.mark.parametrize("variational", [False, True])
def test_a_kept_encoder_gives_the_codes_that_were_fitted(variational: bool, tmp_path: Path) -> None:
    transfer, maps = untrained(variational=variational), looks(3, seed=0)
    save_transfer(transfer, tmp_path / "kept")
    coder = load_map_coder(tmp_path / "kept")
    assert coder.shape == transfer.teacher.shape
    assert torch.equal(coder.code(maps), transfer.teacher_code(maps))
