"""The distillation terms are what the papers mean, not what one released code does."""

import pytest
import torch
from tiny_models import QUESTIONS, photo, tiny_florence, wrapped

from adapters.training.losses import map_divergence, renormalise, text_to_vision, top_divergences
from models.alignment import query_weights, resample_keys
from models.florence import Florence
from models.lora_training import attach


@pytest.fixture
def eager() -> Florence:
    return wrapped(*tiny_florence(attention="eager"))


def test_words_looking_at_the_picture_train_the_first_layers_queries_and_keys_alone(eager: Florence) -> None:
    attach(eager, 2, 4.0, eager.lora_targets(), seed=0)
    with torch.no_grad():
        for name, part in eager.module.named_parameters():
            if "lora_B" in name:
                part.normal_(std=0.1)
    vision = eager.encode_images([photo()])
    forced = eager.teacher_forced(vision, QUESTIONS[:1], ["red"], attentions=True)
    looked = text_to_vision(forced.attentions[0][0], forced.txt[0], forced.vis[0])
    assert looked.shape == (len(eager.question_spans(QUESTIONS[0])), 10)
    map_divergence(looked, looked.detach().flip(-1)).backward()
    reached = {
        name.split(".lora_")[0]
        for name, part in eager.module.named_parameters()
        if part.grad is not None and bool(part.grad.any())
    }
    first = "model.language_model.encoder.layers.0.self_attn."
    assert reached == {f"{first}q_proj", f"{first}k_proj"}


def test_the_wrong_way_round_a_causal_model_has_nothing_to_learn() -> None:
    # Released code masks vision rows and text columns; the picture comes first and cannot see the text.
    scores = torch.randn(2, 6, 6, requires_grad=True)
    seen = scores.masked_fill(torch.ones(6, 6).triu(1).bool(), -torch.inf).softmax(-1)
    vis = torch.tensor([True] * 4 + [False] * 2)
    right = map_divergence(text_to_vision(seen, ~vis, vis), torch.full((2, 4), 0.25))
    wrong = map_divergence(text_to_vision(seen, vis, ~vis), torch.full((4, 2), 0.5))
    right.backward(retain_graph=True)
    assert scores.grad is not None and bool(scores.grad.any())
    scores.grad = None
    wrong.backward()
    assert not bool(torch.as_tensor(scores.grad).any())


def test_equal_maps_have_no_divergence_and_silent_rows_do_not_count() -> None:
    maps = renormalise(torch.rand(3, 9))
    assert map_divergence(maps, maps).item() == pytest.approx(0, abs=1e-6)
    wanted = maps.flip(-1).clone()
    expected = map_divergence(maps[:2], wanted[:2])
    wanted[2] = 0
    torch.testing.assert_close(map_divergence(maps, wanted), expected)
    assert map_divergence(maps, torch.zeros(3, 9)).item() == 0


@pytest.mark.parametrize(("old", "new"), [((9, 9), (6, 6)), ((4, 6), (7, 5)), ((1, 1), (3, 2))])
def test_another_grid_keeps_the_mass_of_every_row(old: tuple[int, int], new: tuple[int, int]) -> None:
    maps = torch.rand(2, *old)
    resampled = resample_keys(maps, *new)
    assert resampled.shape == (2, *new)
    torch.testing.assert_close(resampled.sum((1, 2)), maps.sum((1, 2)))
    torch.testing.assert_close(resample_keys(maps, *old), maps)


def test_mass_goes_to_the_cells_it_lies_over() -> None:
    corner = torch.zeros(1, 4, 4)
    corner[0, 0, 3] = 1
    torch.testing.assert_close(resample_keys(corner, 2, 2), torch.tensor([[[0.0, 1.0], [0.0, 0.0]]]))
    line = resample_keys(torch.tensor([[[1.0, 0.0, 0.0]]]), 1, 2)
    torch.testing.assert_close(line, torch.tensor([[[1.0, 0.0]]]))
    middle = resample_keys(torch.tensor([[[0.0, 1.0, 0.0]]]), 1, 2)
    torch.testing.assert_close(middle, torch.tensor([[[0.5, 0.5]]]))


def test_tokens_of_the_same_text_are_matched_by_their_characters() -> None:
    same = [(0, 4), (4, 9), (9, 10)]
    torch.testing.assert_close(query_weights(same, same), torch.eye(3))
    # "bookshelf" as one token of theirs and two of ours, and one of ours over two of theirs.
    torch.testing.assert_close(query_weights([(0, 4), (4, 9)], [(0, 9)]), torch.ones(2, 1))
    torch.testing.assert_close(query_weights([(0, 10)], [(0, 4), (4, 10)]), torch.tensor([[0.4, 0.6]]))
    assert not query_weights([(5, 6)], [(0, 4)]).any()
    assert query_weights([(0, 1)], []).shape == (1, 0)


def top(logits: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    values, ids = logits.log_softmax(-1).topk(k, dim=-1)
    return ids, values


def test_with_the_whole_vocabulary_it_is_the_divergence_itself() -> None:
    theirs, ours = torch.randn(64, 7) * 2, torch.randn(64, 7)
    p, q = theirs.log_softmax(-1), ours.log_softmax(-1)
    forward = (p.exp() * (p - q)).sum(-1).mean()
    backward = (q.exp() * (q - p)).sum(-1).mean()
    ids, values = top(theirs, 7)
    found = top_divergences(ours, ids, values).mean()
    assert found.item() == pytest.approx(forward.item(), abs=5e-3)
    assert abs(forward - backward) > 0.01
    assert top_divergences(theirs, ids, values).sum().item() == pytest.approx(0, abs=1e-4)


def test_the_rest_is_one_bucket_and_computed_in_single_precision() -> None:
    theirs = torch.randn(3, 50)
    ids, values = top(theirs, 8)
    assert top_divergences(theirs, ids, values).mean().item() == pytest.approx(0, abs=1e-5)
    ours = torch.randn(3, 50, dtype=torch.bfloat16, requires_grad=True)
    divergences = top_divergences(ours, ids, values.half())
    assert divergences.dtype == torch.float32 and bool((divergences > 0).all())
    divergences.sum().backward()
    assert ours.grad is not None and bool(ours.grad.any(dim=1).all())
