"""The expert's maps are brought to the student's tokens without losing mass or inventing rows."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.studies.distill.reading import Weights, grid_weights, join_weights, resample_map, text_weights
from models.alignment import resample_keys

AT_MOST = settings(max_examples=25, deadline=None)

SIDES = st.tuples(st.integers(1, 5), st.integers(1, 5))


@AT_MOST
@given(SIDES, SIDES)
def test_keys_keep_their_mass_and_queries_stay_means(ours: tuple[int, int], theirs: tuple[int, int]) -> None:
    queries, keys = grid_weights(ours, theirs)
    torch.testing.assert_close(keys.sum(0), torch.ones(theirs[0] * theirs[1]))
    torch.testing.assert_close(queries.sum(1), torch.ones(ours[0] * ours[1]))
    looks = torch.rand(2, theirs[0] * theirs[1], theirs[0] * theirs[1]).softmax(-1)
    found = resample_map(looks, queries, keys)
    torch.testing.assert_close(found.sum(-1), torch.ones(2, ours[0] * ours[1]))


@AT_MOST
@given(SIDES, SIDES)
def test_the_weights_of_keys_do_what_resampling_does(ours: tuple[int, int], theirs: tuple[int, int]) -> None:
    maps = torch.rand(3, *theirs)
    found = resample_map(maps.flatten(1), torch.eye(3), grid_weights(ours, theirs).keys)
    torch.testing.assert_close(found, resample_keys(maps, *ours).flatten(1))


@AT_MOST
@given(SIDES, st.booleans())
def test_equal_grids_give_the_identity(sides: tuple[int, int], mean: bool) -> None:
    same = grid_weights(sides, sides, mean, mean)
    torch.testing.assert_close(same.queries, torch.eye(sides[0] * sides[1] + mean))
    torch.testing.assert_close(same.keys, torch.eye(sides[0] * sides[1] + mean))


def test_a_mean_token_goes_with_a_mean_token_or_with_nothing() -> None:
    ours, theirs = grid_weights((1, 2), (1, 2), ours_mean=True), grid_weights((1, 2), (1, 2), False, True)
    torch.testing.assert_close(ours.keys, torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))
    torch.testing.assert_close(theirs.keys, torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]))
    assert not ours.queries[0].any() and torch.equal(theirs.queries, theirs.keys)


def test_words_split_otherwise_keep_their_mass_too() -> None:
    ours, theirs = [(0, 4), (4, 9), (10, 12)], [(0, 9), (10, 11), (11, 12)]
    queries, keys = text_weights(ours, theirs)
    torch.testing.assert_close(queries, torch.tensor([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.5, 0.5]]))
    torch.testing.assert_close(keys[:, 0], torch.tensor([4 / 9, 5 / 9, 0.0]))
    torch.testing.assert_close(keys.sum(0), torch.ones(3))
    bytes_of_one_character = [(0, 1), (0, 1), (1, 2)]
    for weights in text_weights(bytes_of_one_character, bytes_of_one_character):
        torch.testing.assert_close(weights, torch.eye(3))


def test_a_whole_map_of_other_grid_and_other_tokens_stays_stochastic() -> None:
    weights = join_weights(grid_weights((2, 3), (3, 3)), text_weights([(0, 4), (4, 6)], [(0, 6)]))
    found = resample_map(torch.rand(4, 10, 10).softmax(-1), *weights)
    assert found.shape == (4, 8, 8)
    torch.testing.assert_close(found.sum(-1), torch.ones(4, 8))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_it_is_computed_in_float32(dtype: torch.dtype) -> None:
    same = Weights(torch.eye(3), torch.eye(3))
    assert resample_map(torch.rand(3, 3).to(dtype), *same).dtype == torch.float32
