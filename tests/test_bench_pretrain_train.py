"""Runs of a tiny model: the loss falls, and a run that was killed ends where one that was not does."""

import errno
import io
import itertools
import os
from pathlib import Path

import pytest
import torch
from rich.console import Console
from tiny_models import TINY
from tiny_rooms import write_rooms

from bench.pretrain.commands import export
from bench.pretrain.common.checkpoint import FILE, read_progress
from bench.pretrain.curve import read_rows
from bench.pretrain.loop import Limits
from bench.pretrain.recipes import STUDENT, ModelRecipe, TrainingStage
from bench.pretrain.train import ModelTraining, open_run, train
from core.errors import ConfigError, StorageError, WeightsError
from models.registry import load_model

RECIPE = ModelRecipe(
    "tiny",
    TINY,
    student_safe=True,
    stages=(
        TrainingStage("dense", steps=8, images=4, questions=0, lr=2e-3, warm_up=2),
        TrainingStage("questions", steps=6, images=4, questions=4, lr=2e-3, warm_up=2),
        TrainingStage("joint", steps=4, images=4, questions=4, lr=1e-3, warm_up=2),
    ),
    vocab_size=700,
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rooms")
    write_rooms(folder)
    return folder


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def _ticks(stop_after: float) -> Limits:
    """Time goes on by one at every look, so a run stops in the middle, not where it would like to."""
    ticks = itertools.count()
    return Limits(stop_after, save_every=7, line_every=5, clock=lambda: float(next(ticks)))


def _trained(recipe: ModelRecipe, folder: Path, data: Path, limits: Limits) -> tuple[ModelTraining, bool]:
    run, moments = open_run(recipe, folder, data)
    return run, train(run, moments, limits, Console(file=io.StringIO()))


@pytest.mark.slow
def test_a_killed_run_ends_with_the_same_weights(data: Path, tmp_path: Path) -> None:
    whole, finished = _trained(RECIPE, tmp_path / "whole", data, Limits())
    assert finished
    for attempt in range(60):
        pieces, finished = _trained(RECIPE, tmp_path / "pieces", data, _ticks(11 + attempt % 5))
        if finished:
            break
    assert finished and attempt > 2
    for (name, one), other in zip(whole.model.named_parameters(), pieces.model.parameters(), strict=True):
        assert torch.equal(one, other), name
    assert whole.progress.items == pieces.progress.items


@pytest.mark.slow
def test_the_loss_falls_and_the_model_is_saved(data: Path, tmp_path: Path) -> None:
    recipe = RECIPE.with_steps("dense", 80).with_steps("questions", 80)
    run, finished = _trained(recipe, tmp_path / "run", data, Limits(line_every=0.2))
    assert finished
    rows = read_rows(tmp_path / "run" / "losses.csv")
    for stage, least in (("dense", 0.8), ("questions", 0.8)):
        losses = [float(row[3]) for row in rows if row[0] == stage]
        assert losses[-1] < least * losses[0], stage
    assert "<svg" in (tmp_path / "run" / "curve.svg").read_text()
    scores = export(run, tmp_path / "model", rooms=2)
    assert "exact" in scores and "never shown" in (tmp_path / "model" / "README.md").read_text()
    assert load_model(str(tmp_path / "model")).family == "florence2"


def test_a_full_disk_leaves_the_last_checkpoint(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = RECIPE.with_steps("dense", 3)
    run, moments = open_run(recipe, tmp_path, data)
    train(run, moments, Limits(), Console(file=io.StringIO()), "dense")
    before = (tmp_path / FILE).read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    run, moments = open_run(recipe.with_steps("dense", 5), tmp_path, data)
    with monkeypatch.context() as patched, pytest.raises(StorageError, match="disk is full"):
        patched.setattr(os, "fsync", full)
        train(run, moments, Limits(), Console(file=io.StringIO()), "dense")
    assert (tmp_path / FILE).read_bytes() == before
    progress = read_progress(tmp_path)
    assert progress is not None and progress.step == 3


def test_a_run_goes_on_in_the_sizes_it_was_begun_with(data: Path, tmp_path: Path) -> None:
    run, moments = open_run(RECIPE, tmp_path, data)
    train(run, moments, Limits(seconds=0), Console(file=io.StringIO()))
    larger = ModelRecipe("tiny", STUDENT.blueprint, True, RECIPE.stages)
    assert open_run(larger, tmp_path, data)[0].recipe.blueprint == TINY
    with pytest.raises(ConfigError, match="another model"):
        open_run(STUDENT, tmp_path, data)
    path = tmp_path / FILE
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(WeightsError, match="damaged"):
        open_run(RECIPE, tmp_path, data)
