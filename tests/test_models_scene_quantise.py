"""Integers in training: what rounding does to values and gradients, and what is kept of it on disk."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from tiny_scenes import pixels, tiny_student
from torch import nn

from bench.pretrain.scene.students import quantise, turn_off
from models.scene.quantise import (
    LEVELS,
    QuantisedConv,
    QuantisedLinear,
    channel_amax,
    fake_quantise,
    pack,
    turn_on,
    unpack,
)
from models.scene.student import SceneStudent, has_integers, load_student, save_student

_VALUES = arrays.arrays(np.float32, st.integers(1, 40), elements=st.floats(-4, 4, width=32))


@given(_VALUES, st.floats(0.125, 4, width=32))
def test_inside_the_range_at_most_half_a_step_is_lost(values: np.ndarray, amax: float) -> None:
    x = torch.from_numpy(values)
    found = fake_quantise(x, torch.tensor(amax))
    inside = x.abs() <= amax
    assert (found - x)[inside].abs().le(amax / (2 * LEVELS) + 1e-5).all()
    assert found.abs().le(amax * (LEVELS + 1) / LEVELS + 1e-5).all()
    assert torch.allclose(fake_quantise(found, torch.tensor(amax)), found, atol=1e-6)


def test_gradients_pass_inside_and_stop_outside() -> None:
    x = torch.tensor([-2.0, -1.0, 0.3, 1.0, 1.5], requires_grad=True)
    fake_quantise(x, torch.tensor(1.0)).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0, 1, 1, 1, 0]


def test_a_scale_a_channel_is_better_than_one_a_tensor() -> None:
    weight = (
        torch.randn(8, 16, generator=torch.Generator().manual_seed(0)) * torch.logspace(-3, 0, 8)[:, None]
    )
    apart = (fake_quantise(weight, channel_amax(weight)) - weight).norm(dim=1) / weight.norm(dim=1)
    together = (fake_quantise(weight, weight.abs().amax()) - weight).norm(dim=1) / weight.norm(dim=1)
    assert apart.max() < 0.01 < together.max()


def _calibrated(student: SceneStudent) -> SceneStudent:
    quantise(student, lambda module: module(pixels(8)))
    return student


@pytest.mark.parametrize("backbone", ["davit", "swin", "vit"])
def test_every_linear_and_convolution_is_quantised_and_little_is_lost(backbone: str) -> None:
    plain = tiny_student(backbone)
    before = plain(pixels()).detach()
    student = _calibrated(tiny_student(backbone))
    left = [part for part in student.modules() if type(part) in (nn.Linear, nn.Conv2d)]
    after = student(pixels()).detach()
    assert not left and has_integers(student) and not has_integers(plain)
    assert (before * after).sum(1).min() > 0.97
    assert not torch.equal(before, after)
    turn_off(student)
    assert torch.allclose(student(pixels()), before, atol=1e-5)


def test_ranges_are_frozen_after_calibration() -> None:
    student = _calibrated(tiny_student())
    ranges = {name: value.clone() for name, value in student.state_dict().items() if name.endswith("amax")}
    student.train()
    student(pixels(seed=9) * 5).sum().backward()
    after = student.state_dict()
    assert ranges and all(torch.equal(value, after[name]) for name, value in ranges.items())
    assert all(value > 0 for value in ranges.values())


def test_weights_are_kept_as_integers_and_come_back_the_same(tmp_path) -> None:  # type: ignore[no-untyped-def]
    student = _calibrated(tiny_student())
    save_student(student, {}, tmp_path / "kept")
    again = load_student(tmp_path / "kept")
    kept = pack(student)
    integers = [name for name, tensor in kept.items() if tensor.dtype == torch.int8]
    layers = [part for part in student.modules() if isinstance(part, QuantisedLinear | QuantisedConv)]
    assert len(integers) == len(layers)
    assert torch.allclose(again(pixels()), student(pixels()), atol=1e-5)
    save_student(again, {}, tmp_path / "twice")
    assert all(torch.equal(kept[name], pack(again)[name]) for name in integers)


def test_unpacking_gives_every_tensor_of_the_module() -> None:
    student = _calibrated(tiny_student())
    assert unpack(pack(student)).keys() == student.state_dict().keys()
    turn_on(student)
