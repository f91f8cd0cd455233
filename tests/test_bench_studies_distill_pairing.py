"""Which pairings of autoencoders make codes comparable, and that the published one does not."""

import copy
from dataclasses import replace
from functools import lru_cache
from typing import get_args

import pytest
import torch
from tiny_maps import blurred, looks

from bench.studies.distill.fitting import FitSettings
from bench.studies.distill.pairing import fit_transfer, ridge
from bench.studies.distill.transfer import Pairing, Transfer, transfer_loss

SETTINGS = FitSettings(width=12, batch=24, learning_rate=8e-3, epochs=15)
PAIRINGS: tuple[Pairing, ...] = get_args(Pairing)
MAPS = looks(48, seed=0)
UNSEEN = looks(40, seed=1)


def fitted(pairing: Pairing, same: bool, variational: bool = False, seed: int = 0) -> Transfer:
    """On the same maps for both models, or on a student's that are blurred. Do not change it."""
    return _fitted(pairing, same, variational, seed)


@lru_cache  # which takes arguments by name for others than by place
def _fitted(pairing: Pairing, same: bool, variational: bool, seed: int) -> Transfer:
    settings = replace(SETTINGS, variational=variational, seed=seed)
    return fit_transfer(MAPS, MAPS if same else blurred(MAPS), pairing, settings)


def code_loss(transfer: Transfer, student: torch.Tensor, teacher: torch.Tensor) -> float:
    return transfer_loss(transfer, student, transfer.teacher_code(teacher)).item()


def ratio(transfer: Transfer, same: bool) -> float:
    """The loss of one map seen by both, over that of two pictures; 1 when codes tell nothing."""
    ours = UNSEEN if same else blurred(UNSEEN)
    shuffled = sum(code_loss(transfer, ours.roll(by, 0), UNSEEN) for by in (1, 7, 13)) / 3
    return code_loss(transfer, ours, UNSEEN) / shuffled


def test_shared_on_identical_maps_is_exactly_0() -> None:
    assert code_loss(fitted("shared", same=True), UNSEEN, UNSEEN) == 0


def test_literal_on_identical_maps_is_no_nearer_than_on_other_pictures() -> None:
    ratios = []
    for seed in range(3):  # two random bases may agree a little, or disagree, by chance
        transfer = fitted("literal", same=True, seed=seed)
        # Both are good autoencoders, and it does not help.
        assert min(transfer.teacher_r2.mean(), transfer.student_r2.mean()) >= 0.9
        ratios.append(ratio(transfer, same=True))
    assert sum(ratios) / 3 >= 0.8


@pytest.mark.parametrize("pairing", ["shared", "joint", "map"])
@pytest.mark.parametrize("same", [True, False])
def test_the_others_know_the_same_look_again(pairing: Pairing, same: bool) -> None:
    transfer = fitted(pairing, same)
    assert min(transfer.teacher_r2.mean(), transfer.student_r2.mean()) >= 0.5
    assert ratio(transfer, same) < 0.5


@pytest.mark.parametrize("pairing", PAIRINGS)
def test_whoever_follows_comparable_codes_comes_to_look_there(pairing: Pairing) -> None:
    transfer, wanted = fitted(pairing, same=True), UNSEEN[:16]
    theirs, start = transfer.teacher_code(wanted), wanted.roll(1, 0)
    scores = start.log().requires_grad_(True)
    optimiser = torch.optim.Adam([scores], lr=0.05)
    for _ in range(40):
        optimiser.zero_grad()
        looked = scores.flatten(2).softmax(-1).reshape(start.shape)
        transfer_loss(transfer, looked, theirs).backward()
        optimiser.step()
    before, after = ((wanted * (wanted / maps).log()).sum() for maps in (start, looked.detach()))
    # The published pairing leads away from where the expert looks.
    assert after > before if pairing == "literal" else after < 0.8 * before


@pytest.mark.parametrize("pairing", ["shared", "joint", "map"])
def test_unrelated_codes_are_about_2_apart_whatever_the_models(pairing: Pairing) -> None:
    transfer = fitted(pairing, same=True)
    losses = [code_loss(transfer, UNSEEN.roll(by, 0), UNSEEN) for by in (1, 7, 13)]
    assert 1 < sum(losses) / 3 < 3


def test_variational_codes_know_the_same_look_again() -> None:
    transfer = fitted("shared", same=True, variational=True)
    same, other = (code_loss(transfer, maps, UNSEEN) for maps in (UNSEEN, UNSEEN.roll(1, 0)))
    assert same == pytest.approx(0, abs=1e-6) and other > 0.1


@pytest.mark.parametrize("pairing", PAIRINGS)
def test_equal_arguments_give_equal_weights(pairing: Pairing) -> None:
    settings = replace(SETTINGS, epochs=2)
    maps, before = MAPS[:20], torch.get_rng_state()
    first, second = (fit_transfer(maps, blurred(maps), pairing, settings).state_dict() for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(first[name], second[name]) for name in first)
    other = fit_transfer(maps, blurred(maps), pairing, replace(settings, seed=1)).state_dict()
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_the_two_models_never_start_from_the_same_weights() -> None:
    # They would stay the same on the same maps, and be comparable by accident.
    transfer = fit_transfer(MAPS[:20], MAPS[:20], "literal", replace(SETTINGS, epochs=1))
    ours, theirs = transfer.student.state_dict(), transfer.teacher.state_dict()
    assert not any(torch.equal(ours[name], theirs[name]) for name in ours if "weight" in name)


def test_shared_is_one_autoencoder_for_both() -> None:
    transfer = fitted("shared", same=False)
    assert transfer.teacher is transfer.student
    assert copy.deepcopy(transfer).teacher is not transfer.teacher


def test_questions_about_a_held_out_picture_are_not_learnt_from() -> None:
    images = torch.arange(20) % 4
    settings = replace(SETTINGS, epochs=2, held_out=0.25)
    transfer = fit_transfer(MAPS[:20], blurred(MAPS[:20]), "shared", settings, images)
    assert bool(transfer.teacher_r2.isfinite().all()) and transfer.teacher_r2.shape == (2,)


def test_maps_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(ValueError, match="maps of shape"):
        fit_transfer(MAPS, MAPS[1:], "shared", SETTINGS)


def test_a_regression_finds_the_linear_map_that_is_there() -> None:
    generator = torch.Generator().manual_seed(0)
    source = torch.randn(200, 3, generator=generator) * 2 + 1
    weight, bias = torch.randn(3, 3, generator=generator), torch.randn(3, generator=generator)
    found = ridge(source, source @ weight.T + bias, 0.0)
    torch.testing.assert_close(found[0], weight, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(found[1], bias, atol=1e-4, rtol=1e-4)
    held = ridge(source, source @ weight.T + bias, 10.0)
    assert held[0].norm() < weight.norm() / 5
    still = ridge(torch.ones(5, 3), source[:5], 0.0)
    torch.testing.assert_close(still[0], torch.zeros(3, 3))
