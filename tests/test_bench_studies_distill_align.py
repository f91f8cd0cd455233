"""Align-KD as the paper means it teaches the first layer where to look; as released it teaches nothing."""

import pytest
import torch

from bench.studies.distill.align import (
    all_tokens,
    code_attention,
    code_focus,
    divergence,
    focused_tokens,
    literal_distance,
)
from bench.studies.distill.bridge import MixedHeads, PointwiseHeads

CELLS, WORDS = 4, 3


def causal(heads: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Scores and first-layer maps [2, H, 8, 8] of a causal model: one marker, the picture, the text."""
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(2, heads, 8, 8, generator=generator, requires_grad=True)
    return scores, scores.masked_fill(torch.ones(8, 8).triu(1).bool(), -torch.inf).softmax(-1)


def test_as_released_the_student_has_exactly_nothing_to_learn_and_only_the_bias_does() -> None:
    scores, ours = causal(2)
    heads = PointwiseHeads(3, 2)
    loss = code_attention(ours, heads(causal(3, seed=1)[1]), CELLS)
    torch.testing.assert_close(loss, (heads.bias**2).mean())
    loss.backward()
    assert scores.grad is not None and torch.count_nonzero(scores.grad) == 0
    assert heads.weight.grad is not None and torch.count_nonzero(heads.weight.grad) == 0
    assert heads.bias.grad is not None and bool(heads.bias.grad.all())


def test_as_released_early_places_are_in_focus_and_one_place_off() -> None:
    maps = torch.rand(1, 2, 30, 30).masked_fill(torch.ones(30, 30).triu(1).bool(), -torch.inf).softmax(-1)
    found = code_focus(maps, cells=20, k=4)
    assert set(found[0].tolist()) <= {18, 19, *range(4)}
    looks_at_first = torch.zeros(1, 1, 8, 8)
    looks_at_first[..., 2] = 1  # the second picture token stands at place 2
    assert code_focus(looks_at_first, CELLS, 1).tolist() == [[0]]


@pytest.mark.parametrize("distance", [literal_distance, divergence])
def test_as_meant_only_rows_of_text_and_columns_of_the_picture_learn(distance: object) -> None:
    assert callable(distance)
    scores, ours = causal(2)
    _, theirs = causal(3, seed=1)
    rows, cols = slice(1 + CELLS, None), slice(1, 1 + CELLS)
    through = MixedHeads(3, 2)
    loss = distance([one[:, rows, cols] for one in ours], [through(one[:, rows, cols]) for one in theirs])
    loss.backward()
    assert loss > 0 and loss.dtype == torch.float32 and scores.grad is not None
    assert bool(scores.grad[:, :, rows].any()) and not scores.grad[:, :, : 1 + CELLS].any()
    assert through.learned.grad is not None and bool(through.learned.grad.any())
    equal = [one[:, rows, cols] for one in ours]
    assert distance(equal, equal).item() == pytest.approx(0, abs=1e-6)


def test_the_papers_form_is_the_mean_over_the_masked_map() -> None:
    vis, txt = torch.zeros(2, 2, 8).bool()
    vis[:, 1:5] = True
    txt[0, 5:] = txt[1, 6:] = True
    _, ours = causal(2)
    theirs = PointwiseHeads(3, 2)(causal(3, seed=1)[1])
    mask = (txt[:, None, :, None] & vis[:, None, None, :]).expand_as(ours)
    blocks = [[one[b][:, txt[b]][:, :, vis[b]] for b in range(2)] for one in (ours, theirs)]
    torch.testing.assert_close(literal_distance(*blocks), ((theirs - ours) ** 2)[mask].mean())


def test_divergences_leave_out_rows_of_which_nothing_is_told() -> None:
    ours, theirs = torch.rand(2, 2, 3, 5).softmax(-1)
    silent = theirs.clone()
    silent[:, 2] = 0
    torch.testing.assert_close(divergence([ours], [silent]), divergence([ours[:, :2]], [theirs[:, :2]]))
    assert divergence([ours], [torch.zeros_like(theirs)]).item() == 0
    both = divergence([ours, ours[:, :1]], [theirs, theirs[:, :1]])
    alone = 3 * divergence([ours], [theirs]) + divergence([ours[:, :1]], [theirs[:, :1]])
    torch.testing.assert_close(both, alone / 4)


def test_vision_terms_are_means_over_their_tokens() -> None:
    ours, theirs = torch.randn(2, 2, 9, 5)
    places = torch.tensor([[3, 0], [8, 1]])
    picked = torch.stack([(theirs - ours)[b, places[b]] for b in range(2)])
    torch.testing.assert_close(focused_tokens(ours, theirs, places), (picked**2).mean())
    every = torch.arange(9).expand(2, -1)
    torch.testing.assert_close(focused_tokens(ours, theirs, every), all_tokens(ours, theirs))
