"""The trainings of the study: seed by seed, method by method, each gone on with from where it was left."""

import hashlib
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from adapters.scene.course import optimiser_of, steps
from adapters.scene.views import Material, colour, distance, whole_frame
from bench.pretrain.common.checkpoint import TrainingProgress, load_tensors, read_progress, save_checkpoint
from bench.pretrain.common.rendering import write_array
from bench.pretrain.scene.distilling import StageLoss, warm_up
from bench.pretrain.scene.pairs import add_sensor_noise, read_folder, read_pairs
from bench.pretrain.scene.recipes import SceneRecipe, SceneTraining
from bench.pretrain.scene.students import new_student, quantise
from bench.pretrain.scene.triplets import Contrasting, PseudoLabels, pseudo_label, select_confident
from core.ports import Rows
from models.scene.names import GENERIC, class_rows
from models.scene.quantise import insert, turn_on
from models.scene.student import SceneShape, SceneStudent, load_student, save_student
from models.scene.teacher import SceneTeacher

PTQ = "stage1-ptq"
_SAVE_EVERY = 60.0
_NOISE_SEED = 0
_BATCH = 16


@dataclass(frozen=True)
class Bench:
    """What all trainings share. `names` are rows of the generic names; `half`: stage 1 in bfloat16."""

    material: Material
    labels: PseudoLabels
    names: Rows
    shape: SceneShape
    recipe: SceneRecipe
    folder: Path
    teacher: str
    report: Callable[[str], None]
    half: bool = field(default_factory=lambda: bool(torch.backends.mkldnn.is_available()))

    def place(self, method: str, seed: int) -> Path:
        """The finished student of a method."""
        return self.folder / f"seed-{seed}" / method

    def stage(self, share: float) -> Material:
        """The frames that a stage learns from."""
        return self.material.take(select_confident(self.labels, share, self.recipe.per_class))


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
    quantise(student, _calibration(bench, seed))
    save_student(student, {"teacher": bench.teacher, "seed": seed}, bench.place(PTQ, seed))


def _train(bench: Bench, method: SceneTraining, seed: int) -> None:
    work = bench.folder / f"seed-{seed}" / f".{method.name}"
    progress = read_progress(work)
    student, moments = _starting_student(bench, method, seed, progress.step if progress else 0), {}
    progress = progress or TrainingProgress({"method": method.name}, seed, method.name)
    if progress.step:
        moments = load_tensors(work, {"student": student})
    optimiser = optimiser_of(student, method.course, moments)
    started = saved = time.monotonic()
    earlier = progress.seconds.get(method.name, 0.0)
    for step, value in _steps(bench, method, student, seed, optimiser, progress.step):
        now = time.monotonic()
        progress.step = step
        progress.losses = [*progress.losses, value][-50:]
        progress.seconds[method.name] = earlier + now - started
        if now - saved >= _SAVE_EVERY:
            save_checkpoint(work, progress, {"student": student}, optimiser)
            saved = now
            mean = float(np.nanmean(progress.losses))
            bench.report(f"seed {seed} {method.name} {step}/{method.course.steps} loss {mean:.4f}")
    about: dict[str, Any] = {
        "teacher": bench.teacher, "seed": seed, "method": method.name, "steps": progress.step,
        "seconds": round(progress.seconds.get(method.name, 0.0), 1),
    }  # fmt: skip
    save_student(student, about, bench.place(method.name, seed))
    bench.report(f"seed {seed} {method.name} finished after {about['seconds']} s")


def _starting_student(bench: Bench, method: SceneTraining, seed: int, done: int) -> SceneStudent:
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
        for step, value in steps(student, loss, method.course, seed, optimiser, start):
            yield step, value
            if step == method.integers_from:
                break
        student.eval()
        start = method.integers_from
    if start < method.course.steps:
        if start == method.integers_from:
            quantise(student, _calibration(bench, seed))
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
        for batch in np.array_split(rows, math.ceil(len(rows) / 16)):
            frames, crop = bench.material.take(batch), whole_frame(len(batch))
            side = bench.shape.side
            module(torch.cat([colour(frames.frames, crop, side, None), distance(frames.depth, crop, side)]))

    return run


def rendered_frames(data: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """Pictures and a depth camera's depth of all rendered training frames. Raises InputError without any."""
    pairs = read_pairs(data, "train")
    return pairs.frames, add_sensor_noise(pairs.depth, _NOISE_SEED)


def folder_frames(folder: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """The same of a folder's own paired frames. Raises InputError."""
    pairs = read_folder(folder)
    return pairs.frames, pairs.depth


def prepare_bench(
    frames: NDArray[np.uint8],
    depth: NDArray[np.uint16],
    teacher: SceneTeacher,
    shape: SceneShape,
    recipe: SceneRecipe,
    folder: Path,
    report: Callable[[str], None],
) -> Bench:
    """All that is shared by the trainings kept in `folder`; the teacher looks at each frame once."""
    rows = _rows(frames, teacher, folder, report)
    names = class_rows(teacher.text, GENERIC)
    labels = pseudo_label(rows, names)
    material = Material(frames, depth, rows, labels.labels)
    return Bench(material, labels, names, shape, recipe, folder, teacher.name, report)


def _rows(
    frames: NDArray[np.uint8], teacher: SceneTeacher, folder: Path, report: Callable[[str], None]
) -> Rows:
    # A few of the frames tell one collection from another.
    sample = frames[:: max(1, len(frames) // 8)].tobytes()
    digest = hashlib.sha256(f"{teacher.name} {frames.shape}".encode() + sample).hexdigest()
    path = folder / f"teacher-{digest[:16]}.npy"
    if path.is_file():
        return np.asarray(np.load(path, allow_pickle=False))
    batches = []
    for begin in range(0, len(frames), _BATCH):
        batches.append(teacher.image([Image.fromarray(frame) for frame in frames[begin : begin + _BATCH]]))
        if begin % (64 * _BATCH) == 0:
            report(f"the teacher looks at frame {begin} of {len(frames)}")
    rows = np.concatenate(batches)
    write_array(path, rows)
    return rows
