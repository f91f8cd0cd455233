"""Training by a method: what it asks for moves, what it does not stays, and the model comes out as it was."""

from collections.abc import Collection
from pathlib import Path

import pytest
import torch
from tiny_models import QUESTIONS, photo, save_llava, tiny_florence, wrapped

from bench.studies.distill.computed import code_loss
from bench.studies.distill.few_shot import DistillationMethod, FewShotCourse, Pairs, read, train_few
from bench.studies.distill.fitting import FitSettings
from bench.studies.distill.pairing import fit_transfer
from bench.studies.distill.terms import PRESETS, RANDOM_PROJECTIONS
from core.errors import ModelError
from models.florence import Florence
from models.lora import Adapter
from models.registry import load_model
from models.vlm import VisionLanguageModel

ANSWERS = ["red", "two", "on the table"]
COURSE = FewShotCourse(rank=2, alpha=4.0, steps=3)
FIRST = "encoder.layers.0.self_attn"


@pytest.fixture(scope="module")
def student() -> Florence:
    return wrapped(*tiny_florence("eager"))


@pytest.fixture(scope="module")
def pairs(student: Florence) -> Pairs:
    return between(student, wrapped(*tiny_florence("eager", seed=1)))


def between(student: VisionLanguageModel, expert: VisionLanguageModel) -> Pairs:
    features = [
        vlm.constant_features(vlm.prepare([photo(number) for number in range(3)]))
        for vlm in (student, expert)
    ]
    with torch.no_grad():
        teacher = read(expert, features[1], QUESTIONS, ANSWERS, maps=True)
    return Pairs(features[0], QUESTIONS, ANSWERS, teacher)


def moved(adapter: Adapter) -> set[str]:
    """Layers that are no longer what they were."""
    return {name.removeprefix("model.") for name in adapter.matrices if bool(adapter.change(name).any())}


def same(first: Adapter, second: Adapter) -> bool:
    return all(torch.equal(first.change(name), second.change(name)) for name in first.matrices)


def holds(names: Collection[str], part: str) -> bool:
    return any(part in name for name in names)


def test_same_arguments_give_the_same_adapter_and_leave_the_model(student: Florence, pairs: Pairs) -> None:
    before = {name: part.clone() for name, part in student.module.state_dict().items()}
    method = DistillationMethod(PRESETS["align"], balance=True)
    first, second = (train_few(student, pairs, method, COURSE, seed=1) for _ in range(2))
    assert same(first.adapter, second.adapter) and first.losses == second.losses
    assert not same(first.adapter, train_few(student, pairs, method, COURSE, seed=2).adapter)
    after = student.module.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(part, before[name]) for name, part in after.items())


def test_plain_fine_tuning_learns_the_answers(student: Florence, pairs: Pairs) -> None:
    short, long = (
        train_few(student, pairs, DistillationMethod(PRESETS["sf1"]), FewShotCourse(2, 4.0, n, 1e-2))
        for n in (1, 30)
    )
    assert long.losses["ce"] < 0.5 * short.losses["ce"]
    assert set(long.norms) == {"ce"} and long.norms["ce"] > 0


@pytest.mark.parametrize("term", ["t2v_mse", "t2v_kl", "v2v_mse", "t2t_mse", "full_mse"])
def test_a_term_of_the_first_layer_moves_its_queries_and_keys(
    student: Florence, pairs: Pairs, term: str
) -> None:
    names = moved(train_few(student, pairs, DistillationMethod({term: 1.0}), COURSE).adapter)
    assert holds(names, f"{FIRST}.q_proj") and holds(names, f"{FIRST}.k_proj")
    assert not holds(names, "decoder") and not holds(names, "encoder.layers.1") and not holds(names, "fc1")


def test_vision_terms_move_the_projector_which_takes_lora(student: Florence, pairs: Pairs) -> None:
    trained = train_few(student, pairs, DistillationMethod({"v_all": 1.0, "v_focus": 0.1}), COURSE)
    assert moved(trained.adapter) == {"multi_modal_projector.image_projection"}


def test_projections_are_trained_unless_they_stay_as_drawn(student: Florence, pairs: Pairs) -> None:
    drawn, trained = (
        train_few(student, pairs, DistillationMethod(PRESETS["align-kd-code"], drawn=drawn), COURSE).bridge
        for drawn in ("align-kd-code" in RANDOM_PROJECTIONS, False)
    )
    start = train_few(
        student, pairs, DistillationMethod(PRESETS["align-kd-code"]), FewShotCourse(2, 4.0, 1, beside=0.0)
    ).bridge
    for first, now, learned in zip(start.parameters(), drawn.parameters(), trained.parameters(), strict=True):
        assert torch.equal(first, now) and not torch.equal(first, learned)


def test_balance_keeps_a_term_from_drowning_the_answers(student: Florence, pairs: Pairs) -> None:
    loud = {"ce": 1.0, "v_all": 1e4}
    course = FewShotCourse(2, 4.0, 20, 1e-2)
    free, held = (
        train_few(student, pairs, DistillationMethod(loud, balance=balance), course)
        for balance in (False, True)
    )
    assert free.norms["v_all"] > free.norms["ce"]
    assert held.losses["ce"] < free.losses["ce"]


def test_codes_of_maps_teach_and_need_their_autoencoder(student: Florence, pairs: Pairs) -> None:
    with pytest.raises(KeyError):
        train_few(student, pairs, DistillationMethod(PRESETS["sf3"]), COURSE)
    maps = torch.rand(6, 2, 3, 3).flatten(2).softmax(dim=-1).reshape(6, 2, 3, 3)
    fitted = fit_transfer(maps, maps.flip(0), "literal", FitSettings(width=4, epochs=1))
    method = DistillationMethod(PRESETS["sf3"], codes={"attn_ae(literal)": code_loss(fitted)})
    names = moved(train_few(student, pairs, method, COURSE).adapter)
    assert holds(names, f"{FIRST}.q_proj") and not holds(names, "decoder")


def test_what_cannot_be_trained_says_so(student: Florence, pairs: Pairs) -> None:
    with pytest.raises(ValueError, match="nothing to learn"):
        train_few(student, pairs, DistillationMethod(PRESETS["sf0"]), COURSE)
    blind = wrapped(*tiny_florence("sdpa"))
    with pytest.raises(ModelError, match="eager"):
        train_few(blind, pairs, DistillationMethod(PRESETS["align"]), COURSE)
    assert not any("lora" in name for name, _ in blind.module.named_parameters())


def test_attention_as_released_teaches_a_causal_student_nothing(tmp_path: Path) -> None:
    save_llava(tmp_path)
    causal, expert = (load_model(str(tmp_path), attention="eager") for _ in range(2))
    known = between(causal, expert)
    released = train_few(causal, known, DistillationMethod({"t2v_code": 1.0}, drawn=True), COURSE)
    assert released.losses["t2v_code"] > 0 and released.norms["t2v_code"] == 0
    assert not moved(released.adapter)
    meant = train_few(causal, known, DistillationMethod({"t2v_mse": 1.0}, drawn=True), COURSE)
    assert meant.norms["t2v_mse"] > 0 and holds(moved(meant.adapter), "layers.0.self_attn.q_proj")
