"""Training on a tiny model: it learns, keeps to its budget, leaves the base alone, and repeats itself."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tiny_jobs import RECIPE, examples
from tiny_models import photo, tiny_florence, wrapped

from adapters.jobs.judge import judge
from adapters.jobs.request import Recipe
from adapters.training.lessons import Data
from adapters.training.material import Teaching, teaching
from adapters.training.probe import make_probe, probe_set, read_probe
from adapters.training.terms import answer_term, attention_term, drift_term, likelihood_term
from adapters.training.train import train
from core.errors import ImageError, StorageError, WeightsError
from core.types import Example
from models.adapter_files import Base
from models.florence import Florence
from models.lora import Adapter, AdapterSlot
from models.lora_training import attach, detach, weakened
from models.loss import answer_cross_entropy
from models.signal import teacher_signals

BASE = Base("tiny", "c0ffee")


@pytest.fixture
def student() -> Florence:
    return wrapped(*tiny_florence(attention="eager"))


def trained(
    student: Florence, pairs: list[Example], recipe: Recipe = RECIPE, steps: int = 99
) -> Adapter | None:
    losses: list[float] = []
    adapter = train(
        student,
        Data(pairs, (), ()),
        recipe,
        0,
        lambda step, loss: losses.append(loss),
        lambda: len(losses) >= steps,
    )
    assert all(loss == loss for loss in losses)
    return adapter


def test_it_learns_the_pairs_and_the_base_is_what_it_was(student: Florence, tmp_path: Path) -> None:
    pairs = examples(tmp_path)
    before = {name: value.clone() for name, value in student.module.state_dict().items()}
    untouched = judge(student, pairs)
    adapter = trained(student, pairs)
    assert all(torch.equal(before[name], value) for name, value in student.module.state_dict().items())
    AdapterSlot(student).activate(adapter)
    adapted = judge(student, pairs)
    assert adapted.exact == 1.0 and adapted.n == 3
    assert adapted.loglik > untouched.loglik
    assert untouched.exact < 1.0


def test_the_same_seed_gives_the_same_adapter(student: Florence, tmp_path: Path) -> None:
    recipe = replace(RECIPE, steps=3)
    first, second = (trained(student, examples(tmp_path), recipe) for _ in range(2))
    assert first is not None and second is not None
    assert all(torch.equal(first.matrices[n][1], second.matrices[n][1]) for n in first.matrices)


def test_it_stops_when_told_and_gives_what_it_has(student: Florence, tmp_path: Path) -> None:
    assert trained(student, examples(tmp_path), steps=0) is None
    adapter = trained(student, examples(tmp_path), steps=1)
    assert adapter is not None
    targets = trained(student, examples(tmp_path), replace(RECIPE, targets="decoder"), steps=1)
    assert targets is not None and len(targets.matrices) < len(adapter.matrices)


def test_signals_teach_where_to_look_and_what_else_was_likely(student: Florence, tmp_path: Path) -> None:
    expert = wrapped(*tiny_florence(attention="eager", seed=1))
    pair = examples(tmp_path)[0]
    vision = expert.encode_images([photo(0)])
    signal = teacher_signals(expert, vision, [pair.question], [pair.answer])[0]
    ids = signal.top_ids.copy()
    # As if the expert had said so itself.
    ids[:, 0] = student.teacher_forced(vision, [pair.question], [pair.answer]).labels[0]
    file = tmp_path / "signal"
    file.write_bytes(replace(signal, top_ids=ids).to_bytes())
    told = replace(pair, signal=file)
    corrected = replace(told, answer="a person knows better")
    seen = student.encode_images([photo(0)])
    taught = teaching(student, seen, told)
    assert taught.attention is not None and taught.ids is not None
    for example, sure in ((told, True), (corrected, False)):
        forced = student.teacher_forced(seen, [pair.question], [example.answer], attentions=True)
        assert attention_term(forced, [taught], mean_token=True).item() > 0
        same = forced.labels[0].tolist() == taught.ids[:, 0].tolist()
        assert same == sure
        assert (likelihood_term(forced, [taught]).item() > 0) == sure
    adapter = trained(student, [told], replace(RECIPE, steps=2))
    assert adapter is not None
    assert teaching(student, seen, pair).attention is None
    file.write_bytes(b"x")
    with pytest.raises(StorageError, match="damaged"):
        teaching(student, seen, told)


def test_an_answer_counts_as_its_expert_was_sure_of_it(student: Florence) -> None:
    vision = student.encode_images([photo()])
    with torch.no_grad():
        forced = student.teacher_forced(vision, ["What colour?"], ["red"])
    ids = forced.labels[0][:, None]
    sure, unsure = (Teaching(ids=ids, logprobs=torch.full(ids.shape, value)) for value in (0.0, -1.0))
    plain = answer_cross_entropy(forced.logits, forced.labels)
    assert answer_term(forced, [sure]).item() == pytest.approx(plain.item(), rel=1e-5)
    assert answer_term(forced, [unsure]).item() == pytest.approx(math.exp(-1) * plain.item(), rel=1e-5)
    corrected = Teaching(ids=ids + 1, logprobs=torch.full(ids.shape, -1.0))
    for full in (Teaching(), corrected):
        assert answer_term(forced, [full]).item() == pytest.approx(plain.item(), rel=1e-5)


def test_drift_is_zero_while_nothing_changes() -> None:
    logits = torch.randn(2, 3, 9)
    counts = torch.tensor([[True, True, False], [True, False, False]])
    before = logits.log_softmax(-1).half()
    assert drift_term(logits, before, counts).item() == pytest.approx(0, abs=1e-3)
    assert drift_term(logits.roll(1, -1), before, counts).item() > 0.1
    moved = logits.clone()
    moved[~counts] += torch.randn(9)
    assert drift_term(moved, before, counts).item() == pytest.approx(0, abs=1e-3)


def test_judging_nothing_is_nothing_and_a_lost_picture_is_named(student: Florence, tmp_path: Path) -> None:
    assert judge(student, []).n == 0
    with pytest.raises(ImageError, match=r"gone\.png"):
        judge(student, [Example("x", "Why?", "red", tmp_path / "gone.png")])


def test_late_pairs_join_after_the_trial(student: Florence, tmp_path: Path) -> None:
    pairs = examples(tmp_path)
    trials = []
    adapter = train(
        student, Data(pairs[:2], late=pairs[2:]), RECIPE, 0, lambda step, loss: None, lambda: 0.0,
        lambda: trials.append(judge(student, pairs[2:])),
    )  # fmt: skip
    alone = train(student, Data(pairs[:2]), RECIPE, 0, lambda step, loss: None, lambda: 0.0)
    slot, likely = AdapterSlot(student), {}
    for name, one in (("joined", adapter), ("alone", alone)):
        slot.activate(one)
        likely[name] = judge(student, pairs[2:]).loglik
    assert len(trials) == 1 and likely["joined"] > max(trials[0].loglik, likely["alone"]) + 1


def test_a_part_of_the_change_is_kept(student: Florence, tmp_path: Path) -> None:
    pairs = examples(tmp_path)
    whole, half = (trained(student, pairs, replace(RECIPE, shrink=share)) for share in (1.0, 0.5))
    assert whole is not None and half is not None
    layer = next(iter(whole.matrices))
    assert torch.allclose(half.change(layer), whole.change(layer) / 2)
    weak = attach(student, whole.rank, whole.alpha, list(whole.matrices), 0, parent=whole)
    with torch.no_grad(), weakened(student, 0.5):
        attached = judge(student, pairs)
    assert len(weak) == 2 * len(whole.matrices)
    detach(student)
    AdapterSlot(student).activate(half)
    assert attached.loglik == pytest.approx(judge(student, pairs).loglik, abs=1e-4)


def test_a_probe_set_that_is_missing_damaged_or_of_another_base_is_made(
    student: Florence, tmp_path: Path
) -> None:
    folder = tmp_path / "probe"
    made = probe_set(student, BASE, folder)
    assert len(made) > 20 and all(example.image.is_file() for example in made)
    assert probe_set(student, BASE, folder) == made
    made[0].image.unlink()
    assert probe_set(student, BASE, folder) == made
    other = Base("other", "abc")
    assert probe_set(student, other, folder) == read_probe(folder, other)


def test_a_probe_set_holds_what_the_untouched_student_said(student: Florence, tmp_path: Path) -> None:
    make_probe(student, BASE, [photo(0), photo(1)], tmp_path / "probe", each=4)
    kept = read_probe(tmp_path / "probe", BASE)
    assert 4 <= len(kept) <= 8
    assert judge(student, kept).exact == 1.0
    with pytest.raises(WeightsError, match=r"tiny.*other"):
        read_probe(tmp_path / "probe", Base("other", "abc"))
    (tmp_path / "probe" / "probe.json").write_text("{}")
    with pytest.raises(StorageError, match="made again"):
        read_probe(tmp_path / "probe", BASE)
