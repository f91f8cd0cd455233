"""Canonical maps have one shape for every model and lose nothing unsaid."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.distill.canonical import heat_maps, square_maps

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
    assert heat.maps.shape == (2, 2, 3, 5)
    torch.testing.assert_close(heat.maps.sum((2, 3)), torch.ones(2, 2))
    assert bool((heat.vision_mass < 1).all()) and bool((heat.mean_mass > 0).all()) == mean


def test_on_its_own_grid_it_is_the_mean_row_renormalised_and_padding_says_nothing() -> None:
    vis, txt = picture(7, 2, padding=2)
    attention = torch.rand(1, 3, 12, 12).softmax(-1)
    heat = heat_maps([attention], vis[None], txt[None], (2, 3), True, to=(2, 3))
    row = attention[0].mean(0)[txt].mean(0)
    torch.testing.assert_close(heat.maps[0, 0].flatten(), row[1:7] / row[1:7].sum())
    torch.testing.assert_close(heat.vision_mass[0, 0], row[:7].sum())
    torch.testing.assert_close(heat.mean_mass[0, 0], row[0] / row[:7].sum())
    noise = attention.clone()
    noise[:, :, ~txt] = 9
    again = heat_maps([noise, noise.mean(1)], vis[None], txt[None], (2, 3), True, to=(2, 3)).maps
    torch.testing.assert_close(again, heat.maps.expand(1, 2, 2, 3))


@pytest.mark.parametrize(("queries", "keys"), [(6, 6), (4, 9), (2, 3)])
def test_a_square_keeps_the_mass_of_rows(queries: int, keys: int) -> None:
    block = torch.rand(2, queries, keys).softmax(-1)
    square = square_maps(block, 6)
    assert square.shape == (2, 6, 6)
    torch.testing.assert_close(square.sum(-1), torch.ones(2, 6))
    torch.testing.assert_close(square_maps(square, 6), square)
