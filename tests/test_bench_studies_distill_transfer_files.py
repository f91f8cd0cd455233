"""Kept autoencoders come back bit for bit, and damage is named."""

import json
from pathlib import Path
from typing import get_args

import pytest
import torch
from tiny_maps import blurred, looks, untrained

from bench.studies.distill.transfer import Pairing, load_transfer, save_transfer, transfer_loss
from core.errors import StorageError, WeightsError


@pytest.mark.parametrize("pairing", get_args(Pairing))
@pytest.mark.parametrize("variational", [False, True])
def test_what_is_kept_comes_back_bit_for_bit(tmp_path: Path, pairing: Pairing, variational: bool) -> None:
    kept = untrained(pairing=pairing, variational=variational)
    save_transfer(kept, tmp_path / "kept")
    found = load_transfer(tmp_path / "kept")
    assert (found.teacher is found.student) == (pairing == "shared")
    before, after = kept.state_dict(), found.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    maps = looks(3, seed=0)
    losses = [transfer_loss(one, blurred(maps), one.teacher_code(maps)) for one in (kept, found)]
    assert torch.equal(*losses)
    assert not any(part.requires_grad for part in found.parameters())


def test_one_autoencoder_is_kept_once_and_equal_ones_give_equal_files(tmp_path: Path) -> None:
    pairings: dict[str, Pairing] = {"one": "shared", "again": "shared", "two": "joint"}
    for name, pairing in pairings.items():
        save_transfer(untrained(pairing=pairing), tmp_path / name)
    one, again, two = (
        (tmp_path / name / "transfer.safetensors").read_bytes() for name in ("one", "again", "two")
    )
    assert one == again and len(one) < 0.6 * len(two)


def test_an_existing_folder_is_not_overwritten_and_a_missing_one_is_told(tmp_path: Path) -> None:
    save_transfer(untrained(), tmp_path / "kept")
    with pytest.raises(StorageError):
        save_transfer(untrained(), tmp_path / "kept")
    with pytest.raises(StorageError, match="Check the path"):
        load_transfer(tmp_path / "other")


def test_changed_weights_are_found(tmp_path: Path) -> None:
    save_transfer(untrained(), tmp_path / "kept")
    path = tmp_path / "kept" / "transfer.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(WeightsError, match=r"not those that were written.*fit them again"):
        load_transfer(tmp_path / "kept")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format", "x"),
        ("pairing", "x"),
        ("form", "x"),
        ("shape", [2, 8]),
        ("shape", [3, 8, 8]),
        ("width", "x"),
    ],
)
def test_a_description_that_does_not_fit_is_told(tmp_path: Path, key: str, value: object) -> None:
    save_transfer(untrained(), tmp_path / "kept")
    path = tmp_path / "kept" / "transfer.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    with pytest.raises(WeightsError, match="are damaged"):
        load_transfer(tmp_path / "kept")


@pytest.mark.parametrize("text", ["", "[]", "{}", "null"])
def test_a_description_that_is_none_is_told(tmp_path: Path, text: str) -> None:
    save_transfer(untrained(), tmp_path / "kept")
    (tmp_path / "kept" / "transfer.json").write_text(text)
    with pytest.raises(WeightsError, match="are damaged"):
        load_transfer(tmp_path / "kept")
