"""Naming: a cell whose token is the sum of the right words' embeddings is understood, any other is not."""

import pytest
import torch
from torch import nn

from bench.pretrain.labels import NAMED, PLACES, Naming, parts
from bench.pretrain.vocabulary import texts, train_tokenizer

GRID, WIDTH = 9, 256
TOKENIZER = train_tokenizer(texts(), 900)


def _naming() -> tuple[Naming, nn.Embedding]:
    torch.manual_seed(0)
    weights = [torch.ones(len(names)) for names in NAMED]
    return Naming(TOKENIZER, weights, GRID), nn.Embedding(len(TOKENIZER), WIDTH)


def _word(embedding: nn.Embedding, name: str) -> torch.Tensor:
    ids = TOKENIZER(name, add_special_tokens=False)["input_ids"]
    return embedding.weight[torch.tensor(ids)].mean(0)


def _everywhere(category: str, colour: str) -> torch.Tensor:
    side = GRID * parts(GRID)
    return torch.stack([
        torch.full((1, side, side), names.index(name))
        for names, name in zip(NAMED, (category, colour), strict=True)
    ])


def _known_alone(naming: Naming, vision: torch.Tensor, embedding: nn.Embedding, kinds: torch.Tensor) -> None:
    """Gradients of what is known, without those of the places, which always are."""
    loss = naming.loss(vision, embedding, kinds) - naming.loss(vision, embedding, torch.full_like(kinds, -1))
    loss.backward()


def test_cells_that_look_like_their_words_cost_nothing() -> None:
    naming, embedding = _naming()
    thirds = torch.stack([_word(embedding, place) for place in PLACES]).repeat_interleave(GRID // 3, dim=0)
    token = 3 * (_word(embedding, "sofa") + _word(embedding, "red") + thirds.repeat(GRID, 1))
    vision = torch.cat([token.mean(0, keepdim=True), token])[None]
    right = naming.loss(vision, embedding, _everywhere("sofa", "red"))
    assert right.item() < 0.01
    assert naming.loss(vision, embedding, _everywhere("bed", "red")).item() > 5
    cells = token.unflatten(0, (GRID, GRID)).flip(1).flatten(0, 1)
    mirrored = torch.cat([vision[0, :1], cells])[None]
    assert naming.loss(mirrored, embedding, _everywhere("sofa", "red")).item() > 5


def test_the_unknown_and_the_mean_token_do_not_count() -> None:
    naming, embedding = _naming()
    vision = torch.randn(1, 1 + GRID**2, WIDTH, requires_grad=True)
    kinds = _everywhere("sofa", "red")
    kinds[:, :, parts(GRID) :] = -1  # only the first row of cells is known
    _known_alone(naming, vision, embedding, kinds)
    assert vision.grad is not None
    touched = vision.grad[0].abs().sum(-1) > 0
    assert touched[1 : 1 + GRID].all()
    assert not touched[0]
    assert not touched[1 + GRID :].any()


@pytest.mark.parametrize("kind", range(len(NAMED)))
def test_a_cell_is_judged_by_the_part_it_holds(kind: int) -> None:
    naming, embedding = _naming()
    split = parts(GRID)
    kinds = torch.full((len(NAMED), 1, GRID * split, GRID * split), -1)
    kinds[kind, 0, 4 * split : 5 * split, 7 * split : 8 * split] = 0
    vision = torch.randn(1, 1 + GRID**2, WIDTH, requires_grad=True)
    _known_alone(naming, vision, embedding, kinds)
    assert vision.grad is not None
    assert vision.grad[0].abs().sum(-1).nonzero().flatten().tolist() == [1 + 4 * GRID + 7]
