"""Training the scene encoders: the teacher's head, the recipes, what a finished seed becomes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from room_facts import made_up
from tiny_scenes import SHAPES, WIDTH, material, pixels

from bench.pretrain.scene import runs
from bench.pretrain.scene.commands import RANGES, SHIPPED, ship
from bench.pretrain.scene.head import caption_bank, save_head, train_head
from bench.pretrain.scene.pairs import scannet_name
from bench.pretrain.scene.recipes import CODE_FAITHFUL, RECIPE
from bench.pretrain.scene.runs import PTQ, Bench, carry_out
from bench.pretrain.scene.triplets import PseudoLabels
from bench.rooms.layout import KINDS
from bench.studies.edgevl.entrants import quantise
from core.ports import Rows
from models.scene.names import SCANNET
from models.scene.student import load_student
from models.scene.teacher import read_head


def test_every_rendered_kind_has_one_of_scannets_names() -> None:
    assert {scannet_name(kind) for kind in KINDS} <= set(SCANNET)


def test_a_head_learns_what_is_true_of_cells(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    seen = [replace(made_up(number), kind=KINDS[number % 3]) for number in range(160)]
    cells = rng.standard_normal((160, 4, 16)).astype(np.float16) * np.float16(0.3)
    for row in range(160):
        cells[row, :, row % 3] += np.float16(3)
    words = {sentence: rng.standard_normal(WIDTH) for sentence, _, _ in caption_bank(0)}

    def text(sentences: list[str]) -> Rows:
        rows = np.stack([words[sentence] for sentence in sentences])
        found: Rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
        return found

    losses: list[float] = []
    head = train_head(cells, seen, text, 25, 0, lambda step, loss: losses.append(loss))
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) - 0.1
    save_head(head, "digest", {}, tmp_path / "head.safetensors")
    again, tower = read_head(tmp_path / "head.safetensors")
    assert tower == "digest" and again.out.out_features == WIDTH


def _bench(folder: Path) -> Bench:
    frames = material(24)
    names = np.eye(WIDTH, dtype=np.float32)[:4]
    judged = PseudoLabels(frames.labels, np.linspace(0.5, 1, 24).astype(np.float32))
    recipe = replace(RECIPE.shortened(0.004), calibration=8)
    return Bench(frames, judged, names, SHAPES["davit"], recipe, folder, "nobody", lambda line: None)


def test_a_seed_is_trained_once_and_shipped_with_its_ranges(tmp_path: Path) -> None:
    bench = _bench(tmp_path / "runs")
    carry_out(bench, 0)
    places = [bench.place(name, 0) for name in (PTQ, *(one.name for one in bench.recipe.methods))]
    times = [(place / "model.safetensors").stat().st_mtime_ns for place in places]
    carry_out(bench, 0)
    assert times == [(place / "model.safetensors").stat().st_mtime_ns for place in places]
    scores = {name: {"rgb": 0.5, "depth": 0.25} for name in SHIPPED}
    ship(bench, 0, scores, tmp_path / "out")
    assert "| depth | 0.25 |" in (tmp_path / "out" / "scene-encoder" / "README.md").read_text()
    student = tmp_path / "out" / "scene-stage1"
    ours = quantise(load_student(student), student / RANGES)(pixels()).detach()
    theirs = load_student(bench.place(PTQ, 0))(pixels()).detach()
    assert (ours * theirs).sum(1).min() > 0.999


@pytest.mark.parametrize("cut", [2, 3, 4])
def test_an_interrupted_training_ends_as_one_that_was_not(
    cut: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "_SAVE_EVERY", 0.0)
    method = "stage2-int8"
    whole, resumed = _bench(tmp_path / "whole"), _bench(tmp_path / "resumed")
    assert whole.recipe.method(method).integers_from == 3 < whole.recipe.method(method).course.steps

    def stop(line: str) -> None:
        if f"{method} {cut}/" in line:
            raise KeyboardInterrupt

    carry_out(whole, 0, only=("stage1", method))
    with pytest.raises(KeyboardInterrupt):
        carry_out(replace(resumed, report=stop), 0, only=("stage1", method))
    carry_out(resumed, 0, only=("stage1", method))
    ours, theirs = (load_student(bench.place(method, 0)).state_dict() for bench in (whole, resumed))
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_the_released_way_differs_where_it_says() -> None:
    course = CODE_FAITHFUL.method("stage2-int8").course
    assert course.code_faithful and course.rate == 1e-6
    assert CODE_FAITHFUL.terms.names == 0 == CODE_FAITHFUL.anchor
    assert CODE_FAITHFUL.method("stage1") == RECIPE.method("stage1")


@pytest.mark.parametrize("share", [0.01, 0.5])
def test_a_shortened_recipe_is_shorter_everywhere(share: float) -> None:
    for ours, theirs in zip(RECIPE.shortened(share).methods, RECIPE.methods, strict=True):
        assert ours.course.steps == max(2, round(share * theirs.course.steps))
