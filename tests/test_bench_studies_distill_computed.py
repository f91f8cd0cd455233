"""Every term has a value for two real models of other sizes, and only what it should teach learns from it."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tiny_models import QUESTIONS, TEXTS, TINY, photo, save_llava, shaken, tiny_florence, wrapped

from bench.pretrain.blueprint import new_model, new_processor
from bench.pretrain.vocabulary import train_tokenizer
from bench.studies.distill.align import divergence
from bench.studies.distill.bridge import Bridge, new_bridge
from bench.studies.distill.computed import ReadingPair, canonical, code_loss, compute_term
from bench.studies.distill.fitting import FitSettings
from bench.studies.distill.pairing import fit_transfer
from bench.studies.distill.plain import forward_divergence
from bench.studies.distill.reading import ModelReading, available_needs, reading, text_to_vision, whole_maps
from bench.studies.distill.terms import PRESETS, RANDOM_PROJECTIONS, TERMS, Need, missing_needs
from bench.studies.distill.transfer import transfer_loss
from models.florence import Florence
from models.lora_training import attach
from models.loss import answer_cross_entropy
from models.registry import load_model
from models.signal import vocabulary
from models.vlm import VisionLanguageModel

ANSWERS = ["red", "two", "on the table"]
LARGER = replace(TINY, image_size=96, d_model=48, encoder_layers=3, attention_heads=6)
"""A grid of 6 x 6 where TINY's is 3 x 3."""


def read(vlm: VisionLanguageModel) -> ModelReading:
    vision = vlm.project(vlm.constant_features(vlm.prepare([photo()])))
    forced = vlm.teacher_forced(vision, QUESTIONS, ANSWERS, attentions=True)
    return reading(forced, vision, [vlm.question_spans(one) for one in QUESTIONS], vocabulary(vlm.tokenizer))


def larger() -> Florence:
    tokenizer = train_tokenizer(TEXTS, vocab_size=300)
    model = shaken(new_model(LARGER, tokenizer, 1, "eager"), 1)
    return wrapped(model, new_processor(LARGER, tokenizer))


def beside(student: VisionLanguageModel, expert: VisionLanguageModel, names: Collection[str]) -> ReadingPair:
    ours, theirs = read(student), read(expert)
    return ReadingPair(ours, theirs, new_bridge(names, ours, theirs))


@pytest.fixture
def student() -> Florence:
    vlm = wrapped(*tiny_florence(attention="eager"))
    attach(vlm, 2, 4.0, vlm.lora_targets(), seed=0)
    with torch.no_grad():
        for name, part in vlm.module.named_parameters():
            if "lora_B" in name:
                part.normal_(std=0.1)
    return vlm


def reached(vlm: VisionLanguageModel) -> set[str]:
    """The layers whose matrices have a gradient."""
    return {
        name.split(".lora_")[0].removeprefix("model.")
        for name, part in vlm.module.named_parameters()
        if part.grad is not None and bool(part.grad.any())
    }


def test_every_term_has_a_value_for_a_larger_expert_of_another_grid(student: Florence) -> None:
    ours, theirs = read(student), read(larger())
    compared = ReadingPair(
        ours,
        theirs,
        new_bridge(TERMS, ours, theirs),
        {name: lambda ours, theirs: (ours - theirs).abs().sum() for name in TERMS},
        sides=(4, 4),
    )
    # The released code compares whole sequences, so it takes pictures of one length alone.
    for name in sorted(set(TERMS) - {"t2v_code"}):
        value = compute_term(name, compared)
        assert value.shape == () and value.dtype == torch.float32 and value.isfinite() and value > 0, name
    with pytest.raises(ValueError, match="no term"):
        compute_term("everything", compared)
    with pytest.raises(ValueError, match="projection of heads"):
        compute_term("t2v_kl", replace(compared, bridge=Bridge()))


def test_looking_teaches_the_first_layers_queries_and_keys_and_the_mixture_alone(student: Florence) -> None:
    compared = beside(student, larger(), ["t2v_kl"])
    compute_term("t2v_kl", compared).backward()
    first = "language_model.encoder.layers.0.self_attn."
    # What feeds the first layer learns as well: the projector makes the tokens that are looked at.
    assert reached(student) - {"multi_modal_projector.image_projection"} == {
        f"{first}q_proj",
        f"{first}k_proj",
    }
    (learned,) = compared.bridge.parameters()
    before = learned.detach().clone()
    torch.optim.AdamW([{"params": compared.bridge.parameters(), "lr": 1e-3}]).step()
    assert not torch.equal(learned, before)


def test_vision_terms_teach_the_projector_alone(student: Florence) -> None:
    compared = beside(student, larger(), ["v_all", "v_focus"])
    (compute_term("v_all", compared) + compute_term("v_focus", compared)).backward()
    assert reached(student) == {"multi_modal_projector.image_projection"}


def test_a_model_has_nothing_to_learn_from_itself(student: Florence) -> None:
    seen = read(student)
    same = ReadingPair(seen, seen, sides=(3, 3))
    for name in ("attn_plain(a)", "attn_plain(b)", "kd_fkl", "kd_rkl"):
        assert compute_term(name, same).item() == pytest.approx(0, abs=1e-5), name
    looks = [text_to_vision(seen, seen, row) for row in range(3)]
    assert divergence([one for one, _ in looks], [one for _, one in looks]).item() == pytest.approx(
        0, abs=1e-5
    )
    for ours, theirs in whole_maps(seen, seen, 1):
        torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(
        compute_term("ce", same), answer_cross_entropy(seen.forced.logits, seen.forced.labels)
    )


def test_an_expert_of_another_family_teaches_where_to_look_but_not_what_to_say(
    student: Florence, tmp_path: Path
) -> None:
    save_llava(tmp_path)
    ours, theirs = read(student), read(load_model(str(tmp_path), attention="eager"))
    compared = ReadingPair(ours, theirs, new_bridge(TERMS, ours, theirs), sides=(4, 4))
    has = available_needs(ours, theirs)
    assert Need.VOCABULARY not in has and set(missing_needs(["kd_fkl", "t2v_kl"], has)) == {"kd_fkl"}
    for name in ("t2v_kl", "t2v_mse", "v_all", "v_focus", "attn_plain(a)", "attn_plain(b)"):
        assert compute_term(name, compared) > 0, name
    for rolled in (False, True):
        for one in (ours, theirs):
            maps = canonical(one, compared, rolled)
            assert maps.shape == (3, 2, 4, 4)
            torch.testing.assert_close(maps.sum((2, 3)), torch.ones(3, 2))


def test_presets_name_known_terms_and_say_what_they_lack(student: Florence) -> None:
    assert {f"sf{number}" for number in range(8)} | {"align-kd", "align-kd-code"} <= set(PRESETS)
    assert set(PRESETS) >= RANDOM_PROJECTIONS
    for preset in PRESETS.values():
        assert set(preset) <= set(TERMS)
    seen = read(student)
    assert not missing_needs(PRESETS["align-kd"], available_needs(seen, seen))
    assert missing_needs(PRESETS["sf6"], available_needs(seen, seen)) == {
        "attn_ae(literal)": [Need.AUTOENCODER]
    }
    assert not missing_needs(PRESETS["sf6"], available_needs(seen, seen, autoencoders=True))
    blind = replace(seen, forced=replace(seen.forced, attentions=()))
    assert set(missing_needs(PRESETS["align-kd"], available_needs(seen, blind))) == {"t2v_mse", "v_focus"}
    with pytest.raises(ValueError, match="no term sight"):
        missing_needs(["ce", "sight"], set())


def test_the_released_preset_has_a_value_for_models_of_one_length(student: Florence) -> None:
    compared = beside(student, wrapped(*tiny_florence("eager", seed=1)), PRESETS["align-kd-code"])
    for name in PRESETS["align-kd-code"]:
        assert compute_term(name, compared).isfinite()
    ours, theirs = compared.student.forced, compared.teacher.forced
    torch.testing.assert_close(
        compute_term("attn_plain(c)", compared), forward_divergence(ours.logits, theirs.logits, ours.labels)
    )


def test_codes_of_maps_teach_only_where_the_encoder_looks(student: Florence) -> None:
    ours, theirs = read(student), read(larger())
    bare = ReadingPair(ours, theirs, sides=(8, 8))
    maps = [canonical(one, bare) for one in (ours, theirs)]
    fitted = fit_transfer(maps[1].detach(), maps[0].detach(), "literal", FitSettings(width=4, epochs=1))
    loss = code_loss(fitted)
    compared = replace(bare, codes={"attn_ae(literal)": loss, "attn_rollout": loss})
    value = compute_term("attn_ae(literal)", compared)
    torch.testing.assert_close(value, transfer_loss(fitted, maps[0], fitted.teacher_code(maps[1])))
    (value + compute_term("attn_rollout", compared)).backward()
    layers = reached(student)
    assert any("encoder.layers.1.self_attn.q_proj" in name for name in layers)
    assert not any("decoder." in name for name in layers)
