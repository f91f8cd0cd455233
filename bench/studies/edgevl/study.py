"""The study in order: views, encoders, right or wrong, speed, what holds."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from bench.measure.report import Row
from bench.pretrain.scene.commands import SHIPPED
from bench.pretrain.scene.pairs import classify
from bench.pretrain.scene.recipes import NO_TRIPLETS
from bench.pretrain.scene.runs import PTQ, waves
from bench.studies.edgevl import entrants as encoders
from bench.studies.edgevl.claims import PlaceScores
from bench.studies.edgevl.entrants import (
    LabelledViews,
    PlaceEntrant,
    student_encoder,
)
from bench.studies.edgevl.speed import parity_row, speed_rows
from bench.studies.edgevl.training import SHAPES, EdgeVLPlan, train
from core.errors import InputError
from core.ports import Rows
from models.scene.encoder import BUILTIN_FOLDER
from models.scene.names import class_rows
from models.scene.teacher import BUILTIN, SceneTeacher, load_teacher

INTEGERS, FLOAT = "stage2-int8", "stage2-float"
_ORDER = ("rgb-only", "depth-only", "stage1", PTQ, "stage1-qat", NO_TRIPLETS.name)
_TEACHER_SIDE = 144


def run_study(plan: EdgeVLPlan) -> tuple[PlaceScores, list[Row]]:
    """Train what is missing and test everything: scores, and rows about speed, size and parity.

    Raises InputError, WeightsError, MissingDependencyError.
    """
    _check(plan)
    teacher = load_teacher(plan.teacher)
    if plan.data is not None:
        views = encoders.folder_views(plan.data / "test", plan.classes)
    else:
        rooms = plan.out / "rooms"
        views = encoders.rendered_views(plan.rooms, rooms, plan.classes, plan.jobs, plan.quiet)
    students = _committed_students() if plan.quick else _trained_students(plan, teacher)
    classes = class_rows(teacher.text, plan.classes)
    right: dict[str, NDArray[np.float64]] = {}
    rows: dict[str, Rows] = {}
    untouched = encoders.UntouchedTeacher(teacher, _TEACHER_SIDE)
    entrants: dict[str, list[PlaceEntrant]] = {"teacher": [untouched], **students}
    console = Console(stderr=True, soft_wrap=True)
    with Progress(console=console, transient=True, disable=plan.quiet) as progress:
        for name in progress.track(list(entrants), description="views"):
            encoded = [_encode(encoder, views) for encoder in entrants[name]]
            right[name] = np.stack([
                np.stack([classify(part, classes) == views.right for part in pair]) for pair in encoded
            ]).astype(np.float64)
            rows[name] = np.concatenate([part for pair in encoded for part in pair])
    encoder = BUILTIN_FOLDER if plan.quick else plan.place(INTEGERS, 0)
    speed = [*speed_rows(encoder, plan.out, plan.threads), parity_row(rows[INTEGERS], rows["trained"])]
    del right["trained"]
    return PlaceScores(views.rooms, right), speed


def _check(plan: EdgeVLPlan) -> None:
    if plan.backbone not in SHAPES:
        raise InputError(f"There is no backbone {plan.backbone!r}. Choose one: {', '.join(SHAPES)}.")
    if plan.quick and (plan.data or plan.teacher != BUILTIN or plan.backbone != "built-in"):
        raise InputError(
            "--quick tests the committed encoders on rendered rooms. Leave --data and --teacher out."
        )


def _committed_students() -> dict[str, list[PlaceEntrant]]:
    plain = BUILTIN_FOLDER.parent / SHIPPED["stage1"]
    return {
        "stage1": [student_encoder(plain, integers=False)],
        PTQ: [encoders.ranged_encoder(plain)],
        **_stage2([BUILTIN_FOLDER]),
    }


def _trained_students(plan: EdgeVLPlan, teacher: SceneTeacher) -> dict[str, list[PlaceEntrant]]:
    """Every method's students, one a seed."""
    train(plan, teacher)
    students: dict[str, list[PlaceEntrant]] = {
        name: [student_encoder(plan.place(name, seed), integers=False) for seed in range(plan.seeds)]
        for name in _ORDER
        if any(name in wave for wave in waves(plan.effective_recipe))
    }
    return students | _stage2([plan.place(INTEGERS, seed) for seed in range(plan.seeds)])


def _stage2(folders: Sequence[Path]) -> dict[str, list[PlaceEntrant]]:
    """As exported, as trained, and the same weights without integers."""
    return {
        INTEGERS: [student_encoder(folder, integers=True) for folder in folders],
        "trained": [student_encoder(folder, integers=False) for folder in folders],
        FLOAT: [student_encoder(folder, integers=False, quantised=False) for folder in folders],
    }


def _encode(encoder: PlaceEntrant, views: LabelledViews) -> tuple[Rows, Rows]:
    """Rows of depth and of colour."""
    batches = encoders.encode_in_batches
    return batches(encoder.depth, views.depths), batches(encoder.rgb, views.images)
