"""Heads and widths of the expert become the student's, by what is learned and seeded."""

import pytest
import torch
from torch import nn

from bench.studies.distill.bridge import MixedHeads, PointwiseHeads, PointwiseTokens
from bench.studies.distill.reading import mean_heads


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
