"""Heads of another number become as many as the student's, and none is matched worse than it must be."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from adapters.distill.assignment import best_assignment
from adapters.distill.heads import along, matched_heads, mean_heads, principal_heads
from adapters.distill.projections import MixedHeads, PointwiseHeads, PointwiseTokens

AT_MOST = settings(max_examples=25, deadline=None)

COSTS = st.integers(1, 5).flatmap(
    lambda rows: st.integers(rows, 6).flatmap(
        lambda cols: st.lists(
            st.lists(st.floats(-5, 5), min_size=cols, max_size=cols), min_size=rows, max_size=rows
        )
    )
)


@AT_MOST
@given(COSTS)
def test_the_assignment_is_as_good_as_the_best_of_all(costs: list[list[float]]) -> None:
    found = best_assignment(costs)
    assert len(set(found)) == len(costs)
    every = itertools.permutations(range(len(costs[0])), len(costs))
    best = min(sum(row[column] for row, column in zip(costs, one, strict=True)) for one in every)
    assert sum(row[column] for row, column in zip(costs, found, strict=True)) == pytest.approx(best, abs=1e-9)


def test_more_rows_than_columns_cannot_be_assigned() -> None:
    assert best_assignment([]) == []
    with pytest.raises(ValueError, match="columns each"):
        best_assignment([[1.0], [2.0]])


@AT_MOST
@given(st.permutations(range(4)))
def test_shuffled_heads_find_themselves_again(order: list[int]) -> None:
    maps = torch.rand(2, 4, 3, 5, generator=torch.Generator().manual_seed(0)).softmax(-1) ** 4
    assert matched_heads(maps[:, order], maps) == order
    few = matched_heads(maps[:, order[:2]], maps)
    assert few == order[:2]
    many = matched_heads(maps, maps[:, order[:2]])
    assert [many[order[0]], many[order[1]]] == [0, 1] and set(many) == {0, 1}


def test_mixed_heads_keep_rows_stochastic_and_pointwise_heads_are_the_convolution() -> None:
    maps = torch.rand(2, 6, 3, 5).softmax(-1)
    mixed = MixedHeads(6, 4)(maps)
    assert mixed.shape == (2, 4, 3, 5)
    torch.testing.assert_close(mixed.sum(-1), torch.ones(2, 4, 3))
    torch.testing.assert_close(mean_heads(maps).sum(-1), torch.ones(2, 3))
    ours, theirs = PointwiseHeads(6, 4), nn.Conv2d(6, 4, 1)
    theirs.load_state_dict({"weight": ours.weight[:, :, None, None].detach(), "bias": ours.bias.detach()})
    torch.testing.assert_close(ours(maps), theirs(maps))


def test_pointwise_tokens_are_the_convolution() -> None:
    tokens, ours, theirs = torch.rand(2, 5, 6), PointwiseTokens(6, 4), nn.Conv1d(6, 4, 1)
    theirs.load_state_dict({"weight": ours.weight[:, :, None].detach(), "bias": ours.bias.detach()})
    torch.testing.assert_close(ours(tokens), theirs(tokens.transpose(1, 2)).transpose(1, 2))


@pytest.mark.parametrize("new", [MixedHeads, PointwiseHeads])
def test_what_is_learned_is_seeded_and_moves_in_one_step_while_the_expert_stays(
    new: type[MixedHeads] | type[PointwiseHeads],
) -> None:
    maps = torch.rand(2, 6, 3, 5).softmax(-1).requires_grad_()
    mixing, same = new(6, 4, seed=3), new(6, 4, seed=3)
    before = [part.detach().clone() for part in mixing.parameters()]
    assert all(torch.equal(*pair) for pair in zip(before, same.parameters(), strict=True))
    optimiser = torch.optim.AdamW([{"params": list(mixing.parameters()), "lr": 1e-3}])
    (mixing(maps) ** 2).sum().backward()
    optimiser.step()
    assert not any(torch.equal(*pair) for pair in zip(before, mixing.parameters(), strict=True))
    assert maps.grad is None


def test_principal_heads_hold_most_of_what_maps_differ_in() -> None:
    first, second = torch.randn(2, 3, 1, 4, 5)
    maps = torch.cat([first, 2 * first, second, -second], dim=1)
    directions = principal_heads(maps, 2)
    torch.testing.assert_close(directions @ directions.T, torch.eye(2), atol=1e-5, rtol=0)
    back = torch.einsum("ch,ncqk->nhqk", directions, along(maps, directions))
    torch.testing.assert_close(back, maps, atol=1e-5, rtol=1e-4)
    with pytest.raises(ValueError, match="directions"):
        principal_heads(maps, 5)
