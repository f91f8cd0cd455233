from dataclasses import replace

import pytest
import torch
from tiny_models import QUESTIONS, photo, tiny_florence, wrapped

from bench.measure.alike import linear_cka
from bench.studies.dims.reducers import Lessons, TokenReducer, learn_reducer, pca, random_projection, retained
from bench.studies.dims.slicing import sliced
from core.errors import InputError
from models.florence import Florence

ANSWERS = ["red", "two on the table", "x"]


@pytest.fixture(scope="module")
def vlm() -> Florence:
    return wrapped(*tiny_florence())


def cloud(rows: int = 400) -> torch.Tensor:
    """Tokens of 12 channels, of which five directions hold nearly all, one channel of large scale."""
    generator = torch.Generator().manual_seed(0)
    low = torch.randn(rows, 5, generator=generator) @ torch.randn(5, 12, generator=generator)
    tokens = low + 0.05 * torch.randn(rows, 12, generator=generator) + 3
    return tokens * torch.tensor([1000.0, *[1.0] * 11])


def test_all_numbers_lose_nothing_and_more_lose_less() -> None:
    tokens = cloud()
    for reducer in (pca(tokens, 12), random_projection(tokens, 12, 0)):
        torch.testing.assert_close(reducer.there_and_back(tokens), tokens, rtol=1e-4, atol=1e-2)
        assert linear_cka(tokens, reducer.reduce(tokens) @ reducer.up * reducer.scale) == pytest.approx(1)
    shares = [retained(pca(tokens, width), tokens) for width in (1, 3, 5, 12)]
    assert shares == sorted(shares) and shares[2] > 0.99 and shares[3] == pytest.approx(1)
    assert shares[1] > retained(random_projection(tokens, 3, 0), tokens)
    nested = pca(tokens, 12).narrowed(3)
    torch.testing.assert_close(nested.reduce(tokens), pca(tokens, 3).reduce(tokens))
    assert nested.width == 3


@pytest.mark.parametrize("width", [0, 13])
def test_widths_that_cannot_be_are_refused(width: int) -> None:
    with pytest.raises(InputError, match="1 to 12"):
        pca(cloud(), width)
    with pytest.raises(InputError, match="more rooms"):
        pca(cloud(20), 3)


def test_cka_knows_rotation_and_noise() -> None:
    tokens = cloud()
    turn = torch.linalg.qr(torch.randn(12, 12, generator=torch.Generator().manual_seed(1))).Q
    assert linear_cka(tokens, 3 * tokens @ turn) == pytest.approx(1)
    assert linear_cka(tokens, torch.randn(400, 12, generator=torch.Generator().manual_seed(2))) < 0.1


def test_learning_lowers_what_is_lost_and_leaves_the_model_alone(vlm: Florence) -> None:
    vision = vlm.encode_images([photo(seed) for seed in range(8)])
    tokens = vision.tokens.flatten(0, 1)
    start = random_projection(tokens, 16, 0)
    before = {name: part.clone() for name, part in vlm.module.named_parameters()}
    lessons = Lessons(vision, [0, 1, 2], QUESTIONS, ANSWERS)
    found = learn_reducer(vlm, start, (8, 16), lessons, 40, 1e-2, 0, lambda: None)

    def apart(reducer: TokenReducer) -> float:
        """How far answers move, and tokens: what is learnt is the sum."""
        with torch.no_grad():
            shown = vision.select([0, 1, 2])
            whole = vlm.teacher_forced(shown, QUESTIONS, ANSWERS)
            back = replace(shown, tokens=reducer.there_and_back(shown.tokens))
            now = vlm.teacher_forced(back, QUESTIONS, ANSWERS).logits.log_softmax(dim=-1)
            before = whole.logits.log_softmax(dim=-1)
            moved = (before.exp() * (before - now)).sum(dim=-1)[whole.labels != -100].mean()
            return float(moved) + 1 - retained(reducer, shown.tokens.flatten(0, 1))

    for width in (8, 16):
        assert apart(found.narrowed(width)) < 0.8 * apart(start.narrowed(width))
    assert all(torch.equal(part, before[name]) for name, part in vlm.module.named_parameters())


@torch.no_grad()
def test_an_encoder_that_is_turned_but_not_cut_says_the_same(vlm: Florence) -> None:
    double = wrapped(*tiny_florence())
    vision = double.encode_images([photo(0), photo(1), photo(2)])
    double.module.double()
    exact = replace(vision, tokens=vision.tokens.double())
    whole = sliced(double, 32, exact, QUESTIONS)
    ours, theirs = (one.teacher_forced(exact, QUESTIONS, ANSWERS).logits for one in (whole, double))
    assert (ours - theirs).abs().max() < 1e-8
    assert [a.token_ids for a in whole.answer_many(exact, QUESTIONS, 5)] == [
        a.token_ids for a in double.answer_many(exact, QUESTIONS, 5)
    ]
    cut = [
        (sliced(double, width, exact, QUESTIONS).teacher_forced(exact, QUESTIONS, ANSWERS).logits - theirs)
        .square().mean().item()
        for width in (4, 28)
    ]  # fmt: skip
    assert 0 < cut[1] < cut[0]
    assert sliced(double, 8, exact, QUESTIONS).module.get_submodule(
        "model.language_model.encoder.layers.0.fc1"
    ).weight.shape == (128, 8)
    with pytest.raises(InputError):
        sliced(vlm, 33, vision, QUESTIONS)
