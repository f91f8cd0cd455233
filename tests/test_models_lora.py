"""Adapters keep to peft's format, to their base, and leave the base as it was."""

import json
import os
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from peft import PeftModel
from tiny_models import QUESTIONS, TINY, photo, shaken, tiny_florence, wrapped

from bench.pretrain.blueprint import new_model, new_processor, save_model
from core.errors import WeightsError
from core.files import sha256_file
from models.adapter_files import VERSION_FILE, WEIGHTS_FILE, Base
from models.florence import Florence
from models.lora import Adapter, AdapterSlot, base_of, join, read_adapter, write_adapter
from models.lora_training import attach, detach, extract
from models.loss import answer_cross_entropy

BASE = Base("tiny", "c0ffee" * 10)
RANK, ALPHA = 2, 4.0


def tiny() -> Florence:
    return wrapped(*tiny_florence())


def random_adapter(vlm: Florence, seed: int = 0, rank: int = RANK) -> Adapter:
    generator = torch.Generator().manual_seed(seed)
    layers = {name: vlm.module.get_parameter(f"{name}.weight") for name in vlm.lora_targets()}
    return Adapter(
        rank,
        ALPHA,
        {
            name: (
                torch.randn(rank, weight.shape[1], generator=generator),
                torch.randn(weight.shape[0], rank, generator=generator),
            )
            for name, weight in layers.items()
        },
    )


def written(adapter: Adapter, folder: Path, base: Base = BASE) -> Path:
    folder.mkdir()
    write_adapter(adapter, base, folder)
    version = {"base": vars(base), "sha256": sha256_file(folder / WEIGHTS_FILE)}
    (folder / VERSION_FILE).write_text(json.dumps(version))
    return folder


def logits(vlm: Florence) -> torch.Tensor:
    with torch.no_grad():
        return vlm.teacher_forced(vlm.encode_images([photo()]), QUESTIONS, ["red"] * len(QUESTIONS)).logits


def test_peft_itself_loads_it_with_the_same_answers(tmp_path: Path) -> None:
    vlm = tiny()
    folder = written(random_adapter(vlm), tmp_path / "a")
    before = logits(vlm)
    AdapterSlot(vlm).activate(read_adapter(folder, BASE))
    model, processor = tiny_florence()
    theirs = wrapped(cast(Any, PeftModel.from_pretrained(model, str(folder)).get_base_model()), processor)
    torch.testing.assert_close(logits(vlm), logits(theirs), rtol=1e-3, atol=1e-3)
    assert (logits(vlm) - before).abs().max() > 0.1
    assert vlm.answer(photo(), QUESTIONS[0]).token_ids == theirs.answer(photo(), QUESTIONS[0]).token_ids


def test_swapping_leaves_no_trace_of_the_one_before() -> None:
    vlm = tiny()
    first, second = random_adapter(vlm, 1), random_adapter(vlm, 2)
    few = Adapter(RANK, ALPHA, dict(list(first.matrices.items())[:3]))
    before = {name: value.clone() for name, value in vlm.module.state_dict().items()}
    slot = AdapterSlot(vlm)
    slot.activate(second)
    expected = logits(vlm)
    for adapter in (first, few, None, second):
        slot.activate(adapter)
    assert torch.equal(logits(vlm), expected)
    slot.deactivate()
    assert all(torch.equal(before[name], value) for name, value in vlm.module.state_dict().items())


def test_suspended_the_base_answers_to_the_bit() -> None:
    vlm = wrapped(*tiny_florence())
    before = {name: value.clone() for name, value in vlm.module.state_dict().items()}
    slot = AdapterSlot(vlm)
    slot.activate(random_adapter(vlm))
    after = {name: value.clone() for name, value in vlm.module.state_dict().items()}
    with slot.suspended():
        assert all(torch.equal(before[name], value) for name, value in vlm.module.state_dict().items())
    assert all(torch.equal(after[name], value) for name, value in vlm.module.state_dict().items())
    assert any(not torch.equal(before[name], after[name]) for name in before)
    slot.deactivate()
    with slot.suspended():
        assert all(torch.equal(before[name], value) for name, value in vlm.module.state_dict().items())


def weights(vlm: Florence) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in vlm.module.state_dict().items()}


def same(vlm: Florence, expected: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(expected[name], value) for name, value in vlm.module.state_dict().items())


def test_at_rest_the_adapter_below_answers_and_every_state_is_what_it_was_to_the_bit() -> None:
    vlm = tiny()
    home, room, other = random_adapter(vlm, 1), random_adapter(vlm, 2), random_adapter(vlm, 3)
    few = Adapter(RANK, ALPHA, dict(list(home.matrices.items())[:3]))
    loaded, slot = weights(vlm), AdapterSlot(vlm)
    slot.activate(home)
    at_home = weights(vlm)
    slot.activate(room)
    in_room = weights(vlm)
    slot.rest_on(home)
    assert same(vlm, in_room)
    pointers = {name: value.data_ptr() for name, value in vlm.module.state_dict().items()}
    with slot.suspended():
        assert same(vlm, at_home)
        with slot.bare():
            assert same(vlm, loaded)
    assert same(vlm, in_room)  # nothing was computed or copied
    assert pointers == {name: value.data_ptr() for name, value in vlm.module.state_dict().items()}
    slot.deactivate()
    assert same(vlm, at_home)
    with slot.suspended():
        assert same(vlm, at_home)
    slot.rest_on(few)
    slot.activate(other)
    with pytest.raises(WeightsError):
        slot.rest_on(Adapter(RANK, ALPHA, {"model.nothing": next(iter(home.matrices.values()))}))
    slot.activate(room)
    assert same(vlm, in_room)
    slot.rest_on(None)
    with slot.suspended():
        assert same(vlm, loaded)
    slot.deactivate()
    assert same(vlm, loaded)


def layers_of(adapter: Adapter, start: int, stop: int) -> Adapter:
    return Adapter(adapter.rank, adapter.alpha, dict(list(adapter.matrices.items())[start:stop]))


@pytest.mark.parametrize(("first", "second"), [((0, 99), (0, 99)), ((0, 3), (2, 5)), ((0, 2), (2, 4))])
@pytest.mark.parametrize("seed", range(3))
def test_joined_is_both_changes_at_once(first: tuple[int, int], second: tuple[int, int], seed: int) -> None:
    vlm = tiny()
    one = layers_of(random_adapter(vlm, seed, 3), *first)
    two = layers_of(random_adapter(vlm, seed + 10), *second)
    both = join(one, two)
    assert both.rank == one.rank + two.rank and set(both.matrices) == {*one.matrices, *two.matrices}
    for layer, (down, up) in both.matrices.items():
        assert down.shape[0] == up.shape[1] == both.rank
        expected = sum(part.change(layer) for part in (one, two) if layer in part.matrices)
        assert isinstance(expected, torch.Tensor)
        torch.testing.assert_close(both.change(layer), expected, rtol=1e-6, atol=1e-5)


def test_joined_in_double_precision_is_the_sum_to_a_millionth() -> None:
    one, two = random_adapter(tiny(), 1), random_adapter(tiny(), 2, 3)
    one, two = (
        Adapter(a.rank, a.alpha, {n: (d.double(), u.double()) for n, (d, u) in a.matrices.items()})
        for a in (one, two)
    )
    both = join(one, two)
    for layer in both.matrices:
        assert (both.change(layer) - one.change(layer) - two.change(layer)).abs().max() < 1e-6


def test_peft_loads_what_was_joined_of_different_layers(tmp_path: Path) -> None:
    vlm = tiny()
    both = join(layers_of(random_adapter(vlm, 1, 3), 0, 99), layers_of(random_adapter(vlm, 2), 1, 4))
    folder = written(both, tmp_path / "a")
    assert read_adapter(folder, BASE).scale == 1.0
    AdapterSlot(vlm).activate(both)
    model, processor = tiny_florence()
    theirs = wrapped(cast(Any, PeftModel.from_pretrained(model, str(folder)).get_base_model()), processor)
    torch.testing.assert_close(logits(vlm), logits(theirs), rtol=1e-3, atol=1e-3)


def test_training_starts_from_the_base_changes_the_matrices_alone_and_is_taken_out_again() -> None:
    vlm = tiny()
    before = {name: value.clone() for name, value in vlm.module.state_dict().items()}
    expected = logits(vlm)
    parameters = attach(vlm, RANK, ALPHA, vlm.lora_targets(), seed=1)
    assert torch.equal(logits(vlm), expected)
    assert sum(p.requires_grad for p in vlm.module.parameters()) == len(parameters)
    optimiser = torch.optim.AdamW(parameters, lr=0.05)
    start = extract(vlm, RANK, ALPHA)
    for _ in range(2):  # the first step moves "up" alone, since it is 0
        forced = vlm.teacher_forced(vlm.encode_images([photo()]), QUESTIONS[:1], ["red"])
        answer_cross_entropy(forced.logits, forced.labels).backward()
        optimiser.step()
        optimiser.zero_grad()
    trained = extract(vlm, RANK, ALPHA)
    # What answers to a constant picture is the language model: the projector has no gradient here.
    moved = [n for n in trained.matrices if not torch.equal(trained.matrices[n][1], start.matrices[n][1])]
    assert len(moved) == len(vlm.lora_targets()) or "image_projection" not in " ".join(moved)
    adapted = logits(vlm)
    detach(vlm)
    assert all(torch.equal(before[name], value) for name, value in vlm.module.state_dict().items())
    AdapterSlot(vlm).activate(trained)
    torch.testing.assert_close(logits(vlm), adapted, rtol=1e-3, atol=1e-3)


def test_training_can_go_on_from_a_parent() -> None:
    vlm = tiny()
    parent = random_adapter(vlm)
    AdapterSlot(vlm).activate(parent)
    expected = logits(vlm)
    targets = tiny().lora_targets()
    other = tiny()
    attach(other, RANK, ALPHA, targets, seed=0, parent=parent)
    torch.testing.assert_close(logits(other), expected, rtol=1e-3, atol=1e-3)
    with pytest.raises(ValueError, match="rank"):
        attach(tiny(), RANK + 1, ALPHA, targets, seed=0, parent=parent)
    with pytest.raises(ValueError, match="layers"):
        attach(tiny(), RANK, ALPHA, [*targets, "model.nothing"], seed=0)


def test_another_base_is_refused_by_name_and_the_model_is_left_alone(tmp_path: Path) -> None:
    folder = written(random_adapter(tiny()), tmp_path / "a")
    with pytest.raises(WeightsError, match=r"trained on tiny \(c0ffee.* model is other \(abc\)"):
        read_adapter(folder, Base("other", "abc"))
    vlm = tiny()
    adapter = random_adapter(vlm)
    wider = {n: (torch.cat([d, d], dim=1), u) for n, (d, u) in adapter.matrices.items()}
    expected = logits(vlm)
    for matrices in (wider, {"model.nothing": next(iter(adapter.matrices.values()))}):
        with pytest.raises(WeightsError, match="does not fit tiny"):
            AdapterSlot(vlm).activate(Adapter(RANK, ALPHA, {**adapter.matrices, **matrices}))
        assert torch.equal(logits(vlm), expected)


@pytest.mark.parametrize("file", ["adapter_config.json", WEIGHTS_FILE, VERSION_FILE])
@pytest.mark.parametrize("damage", ["missing", "cut", "empty list"])
def test_damage_is_named(tmp_path: Path, file: str, damage: str) -> None:
    folder = written(random_adapter(tiny()), tmp_path / "a")
    path = folder / file
    if damage == "missing":
        path.unlink()
    elif damage == "cut":
        os.truncate(path, path.stat().st_size // 2)
    else:
        path.write_text("[]")
    with pytest.raises(Exception, match=r"damaged|holds no|no such file") as caught:
        read_adapter(folder, BASE)
    assert type(caught.value).__name__ in ("WeightsError", "StorageError")


def test_other_kinds_of_change_are_refused(tmp_path: Path) -> None:
    folder = written(random_adapter(tiny()), tmp_path / "a")
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps({**config, "use_dora": True}))
    with pytest.raises(WeightsError, match="no plain LoRA"):
        read_adapter(folder, BASE)


def test_a_base_is_known_by_its_weights(tmp_path: Path) -> None:
    model, processor = tiny_florence()
    tokenizer = processor.tokenizer
    save_model(model, processor, tmp_path / "a")
    save_model(shaken(new_model(TINY, tokenizer, 1)), new_processor(TINY, tokenizer), tmp_path / "b")
    first, second = base_of(str(tmp_path / "a")), base_of(str(tmp_path / "b"))
    (tmp_path / "a" / "weights.sha256").unlink()
    assert base_of(str(tmp_path / "a")) == first
    assert first.digest != second.digest
