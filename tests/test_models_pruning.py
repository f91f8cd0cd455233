from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import pytest
import tiny_models
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import QUESTIONS, photo, tiny_florence, wrapped

from core.errors import InputError, ModelError
from models.decoder_only import DecoderOnly
from models.florence import Florence
from models.loss import answer_cross_entropy
from models.registry import load_model
from models.signal import teacher_signals
from models.token_pruning import (
    LEAST,
    Pruning,
    Rule,
    choose_cells,
    drop_cells,
    fused,
    importance,
    pruner,
    ranks,
    row_mean,
    spread,
)
from models.vlm import VisionLanguageModel, VisionTokens, stack

ANSWERS = ["red", "two on the table", "x"]
FAMILIES = ["florence2", "llava", "smolvlm"]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], VisionLanguageModel]:
    """A tiny model of each family, by attention."""
    root = tmp_path_factory.mktemp("hub")

    def made(family: str, attention: str = "sdpa") -> VisionLanguageModel:
        if family == "florence2":
            return wrapped(*tiny_florence(attention=attention))
        folder = root / family
        if not folder.is_dir():
            folder.mkdir()
            getattr(tiny_models, f"save_{family}")(folder)
        return load_model(str(folder), attention=attention)

    return made


Models = Callable[[str], VisionLanguageModel]


def some(cells: int, rows: int = 3, seed: int = 0) -> torch.Tensor:
    """For each row six other cells, ascending; of the last one only four."""
    generator = torch.Generator().manual_seed(seed)
    stay = torch.stack([torch.randperm(cells, generator=generator)[:6].sort().values for _ in range(rows)])
    stay[-1, 4:] = -1
    return stay


def doubled(vlm: VisionLanguageModel) -> VisionTokens:
    """Three pictures' tokens; from here on the model computes in float64, so that equal means equal."""
    vision = vlm.encode_images([photo(0), photo(1), photo(2)])
    vlm.module.double()
    return replace(vision, tokens=vision.tokens.double())


def masked_florence(vlm: Florence, vision: VisionTokens, kept: torch.Tensor) -> torch.Tensor:
    """Logits [B, T, V] over all tokens, those that are not kept hidden by the attention mask."""
    model: Any = vlm.module.model
    embeds, mask, _ = vlm._encoder_inputs(vision, QUESTIONS)
    mask[:, : vision.total] = 0
    for row, places in enumerate(kept):
        mask[row, places[places >= 0]] = 1
    hidden = model.language_model.encoder(inputs_embeds=embeds, attention_mask=mask).last_hidden_state
    decoded = model.language_model.decoder(
        input_ids=vlm._shifted(vlm._labels(ANSWERS)), encoder_hidden_states=hidden,
        encoder_attention_mask=mask, use_cache=False,
    )  # fmt: skip
    head: Any = vlm.module.lm_head
    logits: torch.Tensor = head(decoded.last_hidden_state)
    return logits


def masked_decoder(vlm: DecoderOnly, vision: VisionTokens, kept: torch.Tensor) -> list[torch.Tensor]:
    """Logits of each row's answer, the tokens that are not kept hidden by the attention mask."""
    read = vlm._sequences(vision, QUESTIONS, ANSWERS)
    ids, mask = read.padded(vlm.tokenizer.pad_token_id)
    for row, places in enumerate(kept):
        shown = (ids[row] == vlm._image_id).nonzero().squeeze(1)
        gone = torch.ones(len(shown), dtype=torch.bool)
        gone[places[places >= 0]] = False
        mask[row, shown[gone]] = 0
    model: Any = vlm.module
    logits = model(
        inputs_embeds=vlm._embeds(ids, vision), attention_mask=mask, position_ids=read.positions(),
        use_cache=False,
    ).logits  # fmt: skip
    answers, labels = read.answer_part(logits, ids, -100)
    return [row[told] for row, told in zip(answers, labels != -100, strict=True)]


@torch.no_grad()
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_florence_without_tokens_equals_florence_that_may_not_see_them(
    models: Callable[[str, str], VisionLanguageModel], attention: str
) -> None:
    vlm = models("florence2", attention)
    assert isinstance(vlm, Florence)
    vision = doubled(vlm)
    part = drop_cells(vision, some(9))
    assert part.kept is not None
    pruned = vlm.teacher_forced(part, QUESTIONS, ANSWERS)
    assert (pruned.logits - masked_florence(vlm, vision, part.kept)).abs().max() < 1e-9
    # Without making up for the positions they would be others.
    moved = vlm._position_correction
    vlm._position_correction = lambda places, total, words: torch.zeros(())  # type: ignore[method-assign]
    shifted = vlm.teacher_forced(part, QUESTIONS, ANSWERS).logits
    vlm._position_correction = moved  # type: ignore[method-assign]
    assert (shifted - pruned.logits).abs().max() > 1e-3


@torch.no_grad()
@pytest.mark.parametrize("family", ["llava"])
def test_rotary_models_without_tokens_equal_those_that_may_not_see_them(models: Models, family: str) -> None:
    vlm = models(family)
    assert isinstance(vlm, DecoderOnly)
    vision = doubled(vlm)
    part = drop_cells(vision, some(16))
    assert part.kept is not None
    pruned = vlm.teacher_forced(part, QUESTIONS, ANSWERS)
    for row, wanted in enumerate(masked_decoder(vlm, vision, part.kept)):
        assert (pruned.logits[row, : len(wanted)] - wanted).abs().max() < 1e-9
    assert pruned.vis.sum(dim=1).tolist() == [6, 6, 4]


@torch.no_grad()
@pytest.mark.parametrize(("by", "merge"), [("colmean", False), ("t2v", True)])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_batch_with_as_many_tokens_as_each_needs_answers_as_one_by_one(
    models: Models, family: str, by: Literal["colmean", "t2v"], merge: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.token_pruning.LEAST", 1)
    vlm = models(family)
    vlm.pruner = Pruning(Rule(threshold=1.0), by, merge)
    vision = vlm.encode_images([photo(0), photo(1), photo(2)])
    part = vlm.pruner(vlm, vision, QUESTIONS)
    assert part.kept is not None and part.kept.shape[1] < vision.total
    said = vlm.answer_many(vision, QUESTIONS, 6)
    forced = vlm.teacher_forced(vision, QUESTIONS, [answer.text or "x" for answer in said])
    assert forced.kept is not None and torch.equal(forced.kept, part.kept)
    for index, answer in enumerate(said):
        alone = vlm.answer(vision.select([index]), QUESTIONS[index], 6)
        assert alone.token_ids == answer.token_ids
        assert alone.confidence == pytest.approx(answer.confidence, rel=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("family", FAMILIES)
def test_the_first_look_is_the_first_layers_map(
    models: Callable[[str, str], VisionLanguageModel], family: str
) -> None:
    vlm = models(family, "eager")
    vision = vlm.encode_images([photo(0), photo(1), photo(2)])
    forced = vlm.teacher_forced(vision, QUESTIONS, ANSWERS, attentions=True)
    fused_too = models(family, "sdpa").first_layer_attention(vision, QUESTIONS)
    look = vlm.first_layer_attention(vision, QUESTIONS)
    every = vlm.first_layer_attention(vision, QUESTIONS, everything=True)
    torch.testing.assert_close(fused_too.rows, look.rows)
    for row in range(3):
        wanted = forced.attentions[0][row].mean(dim=0)[forced.txt[row]][:, forced.vis[row]]
        torch.testing.assert_close(look.rows[row][look.words[row]], wanted)
        torch.testing.assert_close(every.rows[row][every.words[row]], wanted)
    assert every.rows.shape[1] > look.rows.shape[1]


@pytest.mark.parametrize("family", FAMILIES)
def test_training_with_few_tokens_reaches_the_projector_only_through_those(
    models: Models, family: str
) -> None:
    vlm = models(family)
    vision = vlm.encode_images([photo(0), photo(1), photo(2)])
    tokens = vision.tokens.clone().requires_grad_()
    total = VisionTokens(tokens, vision.rows, vision.cols, vision.mean_token)
    cells = (
        some(vision.rows * vision.cols) if family != "smolvlm" else torch.tensor([[0, 2], [1, 3], [2, -1]])
    )
    part = drop_cells(total, cells)
    forced = vlm.teacher_forced(part, QUESTIONS, ANSWERS)
    answer_cross_entropy(forced.logits, forced.labels).backward()
    assert tokens.grad is not None and part.kept is not None
    for row, places in enumerate(part.kept):
        heard = tokens.grad[row].abs().sum(dim=-1) > 0
        assert heard.nonzero().squeeze(1).tolist() == places[places >= 0].tolist()


@torch.no_grad()
def test_a_signal_of_a_pruned_expert_lies_in_the_grid(
    models: Callable[[str, str], VisionLanguageModel],
) -> None:
    vlm = models("florence2", "eager")
    vision = drop_cells(vlm.encode_images([photo(0)]), torch.tensor([[0, 4, 8]]))
    (signal,) = teacher_signals(vlm, vision, QUESTIONS[:1], ANSWERS[:1])
    assert signal.attention is not None and signal.attention.shape[1:] == (3, 3)
    seen = torch.from_numpy(signal.attention).flatten(1) > 0
    assert seen.all(dim=0).nonzero().squeeze(1).tolist() == [0, 4, 8] and int(seen.sum()) == 3 * len(seen)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 3), st.integers(1, 60), st.floats(0.01, 1.0), st.floats(0.0, 3.0), st.integers(0, 9))
def test_the_most_important_stay_in_order_and_never_too_few(
    rows: int, cells: int, share: float, threshold: float, seed: int
) -> None:
    importance = torch.rand(rows, cells, generator=torch.Generator().manual_seed(seed)) + 1e-3
    for rule in (Rule(share=share), Rule(threshold=threshold)):
        stay = choose_cells(importance, rule)
        for row, places in enumerate(stay):
            kept = places[places >= 0].tolist()
            assert kept == sorted(set(kept)) and len(kept) >= min(LEAST, cells)
            gone = [cell for cell in range(cells) if cell not in kept]
            if gone:
                assert importance[row, gone].max() <= importance[row, kept].min()
            if rule.threshold is not None and len(kept) > min(LEAST, cells):
                assert importance[row, kept].min() >= threshold * importance[row].mean() * (1 - 1e-5)
        torch.testing.assert_close(choose_cells(7.0 * importance, rule), stay)  # free of scale


def test_rules_and_maps_that_mean_nothing_are_refused() -> None:
    for wrong in ({}, {"share": 0.5, "threshold": 1.0}, {"share": 0.0}, {"share": 1.1}, {"threshold": -1.0}):
        with pytest.raises(InputError):
            Rule(**wrong)
    for empty in (torch.zeros(1, 20), torch.full((1, 20), float("nan")), torch.zeros(1, 0)):
        with pytest.raises(ModelError, match="keep_tokens"):
            choose_cells(empty, Rule(share=0.5))
    assert choose_cells(torch.rand(2, 40) + 1, Rule(threshold=1e9)).shape == (2, LEAST)  # the stated fallback
    assert pruner(1.0) is None


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 40), st.integers(1, 40), st.integers(0, 9))
def test_spread_tokens_are_those_of_farthest_point_sampling(cells: int, count: int, seed: int) -> None:
    tokens = torch.randn(2, cells, 6, generator=torch.Generator().manual_seed(seed))
    count = min(count, cells)
    found = spread(tokens, count)
    for row in range(2):
        shown = tokens[row] - tokens[row].mean(dim=0)
        units = shown / shown.norm(dim=1, keepdim=True)
        apart = 1 - units @ units.T
        order = found[row].argsort(descending=True, stable=True)[:count].tolist()
        for number in range(1, count):  # each is as far as any from those before it
            nearest = apart[:, order[:number]].min(dim=1).values
            assert float(nearest.max()) == pytest.approx(float(nearest[order[number]]), abs=1e-4)


def test_of_pictures_that_show_nothing_some_tokens_stay_all_the_same() -> None:
    stay = choose_cells(spread(torch.ones(1, 36, 4), 18), Rule(share=0.5))
    assert stay.shape == (1, 18)


def test_merging_keeps_what_all_tokens_together_say() -> None:
    tokens = torch.randn(2, 10, 4, generator=torch.Generator().manual_seed(1))
    vision = VisionTokens(tokens, 3, 3, mean_token=True)
    every = torch.arange(9).expand(2, -1)
    torch.testing.assert_close(drop_cells(vision, every, merge=True).tokens, tokens)
    cells = torch.tensor([[0, 3, 7], [2, 5, -1]])
    merged, plain = drop_cells(vision, cells, merge=True), drop_cells(vision, cells)
    torch.testing.assert_close(merged.tokens[:, 0], tokens[:, 0])  # the mean token takes nothing up
    assert merged.kept is not None and merged.kept.tolist() == [[0, 1, 4, 8], [0, 3, 6, -1]]
    assert bool((merged.tokens[1, 3] == 0).all()) and bool((plain.tokens[1, 3] == 0).all())
    twins = torch.ones(1, 9, 4)
    same = drop_cells(VisionTokens(twins, 3, 3, False), torch.tensor([[1, 4]]), merge=True)
    torch.testing.assert_close(same.tokens, torch.ones(1, 2, 4))


def test_pictures_of_different_lengths_stand_in_one_batch() -> None:
    tokens = torch.randn(1, 9, 4)
    vision = VisionTokens(tokens, 3, 3, False)
    both = stack([drop_cells(vision, torch.tensor([[1, 2]])), vision])
    assert both.kept is not None and both.kept.shape == (2, 9) and both.kept[0, 2:].eq(-1).all()
    assert both.select([1]).places(2).tolist() == [list(range(9))] * 2
    with pytest.raises(ValueError, match="grid"):
        _ = both.grid
    with pytest.raises(ValueError, match="already"):
        drop_cells(both, torch.tensor([[0]]))


def test_fused_ranks_and_means_of_rows() -> None:
    first, second = torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([[30.0, 20.0, 10.0]])
    assert ranks(first).tolist() == [[0.0, 0.5, 1.0]]
    assert fused(first, second).tolist() == [[0.5, 0.5, 0.5]]
    rows = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    assert row_mean(rows, torch.tensor([[True, False]])).tolist() == [[1.0, 0.0]]
    assert row_mean(rows, torch.tensor([[False, False]])).tolist() == [[0.5, 0.5]]  # a question without words


@torch.no_grad()
def test_importance_of_each_kind_differs(models: Models) -> None:
    vlm = models("florence2")
    vision = vlm.encode_images([photo(0)])
    look = vlm.first_layer_attention(vision, QUESTIONS, everything=True)
    found = [importance(look, by) for by in ("t2v", "colmean", "fused")]
    assert all(one.shape == (3, 10) for one in found)
    assert not torch.allclose(found[0], found[1])


def test_a_pruner_is_in_force_only_inside(models: Models) -> None:
    vlm = models("florence2")
    rule = Pruning(Rule(share=0.5))
    with pytest.raises(KeyError), vlm.pruned_by(rule):
        assert vlm.pruner is rule
        raise KeyError
    assert vlm.pruner is None
