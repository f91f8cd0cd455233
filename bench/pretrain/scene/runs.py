"""The trainings of the study: seed by seed, method by method, each gone on with from where it was left."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from adapters.scene.course import optimiser_of, steps
from adapters.scene.views import Material, colour, distance, whole_frame
from bench.pretrain.common.checkpoint import TrainingProgress, load_tensors, read_progress, save_checkpoint
from bench.pretrain.scene.distilling import StageLoss
from bench.pretrain.scene.recipes import SceneRecipe, SceneTraining
from bench.pretrain.scene.students import new_student, quantised
from bench.pretrain.scene.triplets import Contrasting, PseudoLabels, curated
from bench.pretrain.scene.warming import warm_up
from core.ports import Rows
from models.scene.quantise import insert, turn_on
from models.scene.student import SceneShape, SceneStudent, load_student, save_student

PTQ = "stage1-ptq"
_SAVE_EVERY = 60.0


@dataclass(frozen=True)
class Bench:
    """What all trainings share. `names` are rows of the generic names; `half`: stage 1 in bfloat16."""

    material: Material
    judged: PseudoLabels
    names: Rows
    shape: SceneShape
    recipe: SceneRecipe
    folder: Path
    teacher: str
    said: Callable[[str], None]
    half: bool = field(default_factory=lambda: bool(torch.backends.mkldnn.is_available()))

    def place(self, method: str, seed: int) -> Path:
        """The finished student of a method."""
        return self.folder / f"seed-{seed}" / method

    def stage(self, share: float) -> Material:
        """The frames that a stage learns from."""
        return self.material.take(curated(self.judged, share, self.recipe.per_class))


def carry_out(bench: Bench, seed: int, only: Sequence[str] = ()) -> None:
    """Train whatever of a seed is not there yet, or of some methods alone."""
    for name in only or [name for wave in waves(bench.recipe) for name in wave]:
        finish(bench, name, seed)


def waves(recipe: SceneRecipe) -> list[list[str]]:
    """Methods that need no other one, and then those that begin with one of the first: `PTQ` among them."""
    first = [method.name for method in recipe.methods if not method.after]
    return [first, [*(method.name for method in recipe.methods if method.after), PTQ]]


def finish(bench: Bench, name: str, seed: int) -> None:
    """Train a method, or go on training it; what is there already stays."""
    if bench.place(name, seed).is_dir():
        return
    if name != PTQ:
        return _train(bench, bench.recipe.method(name), seed)
    student = load_student(bench.place("stage1", seed))
    quantised(student, _calibration(bench, seed))
    save_student(student, {"teacher": bench.teacher, "seed": seed}, bench.place(PTQ, seed))


def _train(bench: Bench, method: SceneTraining, seed: int) -> None:
    work = bench.folder / f"seed-{seed}" / f".{method.name}"
    progress = read_progress(work)
    student, moments = _begun(bench, method, seed, progress.step if progress else 0), {}
    progress = progress or TrainingProgress({"method": method.name}, seed, method.name)
    if progress.step:
        moments = load_tensors(work, {"student": student})
    optimiser = optimiser_of(student, method.course, moments)
    began = saved = time.monotonic()
    before = progress.seconds.get(method.name, 0.0)
    for done, value in _steps(bench, method, student, seed, optimiser, progress.step):
        now = time.monotonic()
        progress.step = done
        progress.losses = [*progress.losses, value][-50:]
        progress.seconds[method.name] = before + now - began
        if now - saved >= _SAVE_EVERY:
            save_checkpoint(work, progress, {"student": student}, optimiser)
            saved = now
            mean = float(np.nanmean(progress.losses))
            bench.said(f"seed {seed} {method.name} {done}/{method.course.steps} loss {mean:.4f}")
    about: dict[str, Any] = {
        "teacher": bench.teacher, "seed": seed, "method": method.name, "steps": progress.step,
        "seconds": round(progress.seconds.get(method.name, 0.0), 1),
    }  # fmt: skip
    save_student(student, about, bench.place(method.name, seed))
    bench.said(f"seed {seed} {method.name} finished after {about['seconds']} s")


def _begun(bench: Bench, method: SceneTraining, seed: int, done: int) -> SceneStudent:
    """The student as the method begins; one that has `done` steps only needs its shape."""
    if not method.after:
        student = new_student(bench.shape, seed)
        if bench.recipe.probing and not done:
            recipe, frames = bench.recipe, bench.stage(bench.recipe.stage1_share)
            warm_up(
                student, frames, bench.names, recipe.terms, method.sees, recipe.probed, recipe.probing, seed
            )
        return student
    student = load_student(bench.place(method.after, seed))
    if done > method.integers_from:
        insert(student)
        turn_on(student)
    return student


def _steps(
    bench: Bench,
    method: SceneTraining,
    student: SceneStudent,
    seed: int,
    optimiser: torch.optim.AdamW,
    start: int,
) -> Iterator[tuple[int, float]]:
    """The method's steps from `start` on: first those in floating point, then those in integers."""
    if start < method.integers_from:
        loss = _loss(bench, method, student, bench.half)
        for done, value in steps(student, loss, method.course, seed, optimiser, start):
            yield done, value
            if done == method.integers_from:
                break
        student.eval()
        start = method.integers_from
    if start < method.course.steps:
        if start == method.integers_from:
            quantised(student, _calibration(bench, seed))
        yield from steps(student, _loss(bench, method, student, False), method.course, seed, optimiser, start)


def _loss(bench: Bench, method: SceneTraining, student: SceneStudent, half: bool) -> Any:
    recipe, batch, side = bench.recipe, method.course.batch, bench.shape.side
    if method.aim == "contrast":
        material = bench.stage(recipe.stage2_share)
        return Contrasting(student, side, material, batch, bench.names, recipe.anchor, half=half)
    material = bench.stage(recipe.stage1_share)
    terms = method.terms or recipe.terms
    return StageLoss(student, side, material, batch, bench.names, method.sees, terms, half)


def _calibration(bench: Bench, seed: int) -> Callable[[nn.Module], None]:
    """Runs a student over some training frames, both modalities, as they are."""
    rng = np.random.default_rng([seed, 2])
    rows = rng.choice(len(bench.material), min(bench.recipe.calibration, len(bench.material)), replace=False)

    def run(module: nn.Module) -> None:
        for some in np.array_split(rows, math.ceil(len(rows) / 16)):
            chosen, look = bench.material.take(some), whole_frame(len(some))
            side = bench.shape.side
            module(torch.cat([colour(chosen.frames, look, side, None), distance(chosen.depth, look, side)]))

    return run
