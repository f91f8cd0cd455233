"""Scaled maps do not depend on how many cells there are, and both models' have the expert's yardstick."""

import pytest
import torch
from tiny_maps import blurred, looks

from adapters.distill.scaling import Form, contrast, fitted_scale, standardised
from models.alignment import resample_keys


def test_a_map_that_looks_nowhere_in_particular_is_nothing_on_any_grid() -> None:
    for cells in (49, 144, 576):
        even = torch.full((1, 1, 1, cells), 1 / cells)
        torch.testing.assert_close(contrast(even), torch.zeros_like(even), atol=2e-3, rtol=0)
        torch.testing.assert_close(contrast(even, "density"), torch.ones_like(even))


def test_the_same_look_on_a_finer_grid_has_the_same_size() -> None:
    # Raw squared differences fall with the square of the number of cells.
    coarse, other = looks(2, seed=0).split(1)
    fine, finer = resample_keys(coarse, 16, 16), resample_keys(other, 16, 16)
    raw = ((coarse - other) ** 2).mean() / ((fine - finer) ** 2).mean()
    assert raw.item() == pytest.approx(16, rel=0.01)
    dense = ((contrast(coarse) - contrast(other)) ** 2).mean()
    torch.testing.assert_close(((contrast(fine) - contrast(finer)) ** 2).mean(), dense, rtol=0.05, atol=0)


@pytest.mark.parametrize("form", ["log", "density"])
def test_the_experts_maps_are_standard_and_the_students_keep_their_difference(form: Form) -> None:
    teacher = contrast(looks(20, seed=0), form)
    scale = fitted_scale(teacher)
    spread, mean = torch.std_mean(standardised(teacher, scale), dim=(0, 2, 3), correction=0)
    torch.testing.assert_close(mean, torch.zeros(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(spread, torch.ones(2))
    flatter = standardised(contrast(blurred(looks(20, seed=0)), form), scale)
    assert bool((flatter.std(dim=(0, 2, 3)) < 0.9).all())


def test_a_channel_that_never_changes_stays_finite() -> None:
    even = contrast(torch.full((3, 1, 4, 4), 1 / 16))
    assert bool(standardised(even, fitted_scale(even)).isfinite().all())


def test_no_maps_have_no_scale() -> None:
    with pytest.raises(ValueError, match="canonical maps"):
        fitted_scale(torch.zeros(0, 2, 4, 4))
