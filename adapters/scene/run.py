"""One adaptation of the scene encoder from request to verdict: stage 1 on one camera's own pairs."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from adapters.jobs.job import CANDIDATE, Cancelled, ProgressLog, cancelled
from adapters.jobs.request import Result
from adapters.jobs.version import library_versions
from adapters.scene.course import optimiser_of, steps
from adapters.scene.distilling import Distilling
from adapters.scene.gate import Likeness, decide_scene
from adapters.scene.request import SceneRequest
from adapters.scene.views import Material, colour, distance, whole_frame
from core.files import atomic_directory, atomic_write_text, sha256_file
from models.adapter_files import SCENE_WEIGHTS, VERSION_FILE
from models.scene.paired import read_pair
from models.scene.student import SceneStudent, load_student, save_student
from models.scene.teacher import load_teacher
from models.weights import digest

_SCHEMA = 1


def run_scene(folder: Path, request: SceneRequest) -> Result:
    """Train and judge; leaves candidate/ in the folder. Raises Cancelled and RoomwiseError."""
    torch.set_num_threads(request.threads)
    began = time.monotonic()
    log = ProgressLog(folder)
    log.say("loading")
    student = load_student(request.base)
    train, hold_out = (
        _material(pairs, student, request.teacher) for pairs in (request.pairs, request.hold_out)
    )
    before = _likeness(student, hold_out)
    step = 0
    loss = Distilling(student, student.shape.side, train, request.course.batch)
    optimiser = optimiser_of(student, request.course, {})
    for step, value in steps(student, loss, request.course, request.seed, optimiser):
        log.say("training", step=step, steps=request.course.steps, loss=round(value, 4))
        if cancelled(folder):
            raise Cancelled
        if time.monotonic() - began > request.seconds:
            break
    student.eval()
    after = _likeness(student, hold_out)
    verdict = decide_scene(after, before)
    scores = {"current": {"hold_out": asdict(before)}, "candidate": {"hold_out": asdict(after)}}
    seconds = round(time.monotonic() - began, 3)
    _write(folder / CANDIDATE, student, request, scores, step, seconds)
    return Result("promote" if verdict.promote else "reject", verdict.reason, seconds, step, scores)


def _material(pairs: Sequence[tuple[Path, Path]], student: SceneStudent, teacher: str) -> Material:
    """The pairs with their target rows."""
    loaded = [read_pair(picture, depth) for picture, depth in pairs]
    frames, depth = np.stack([frame for frame, _ in loaded]), np.stack([depth for _, depth in loaded])
    if teacher:
        rows = load_teacher(teacher).image([Image.fromarray(frame) for frame in frames])
    else:
        with torch.inference_mode():
            rows = student(colour(frames, whole_frame(len(frames)), student.shape.side, None)).numpy()
    return Material(frames, depth, rows, np.zeros(len(frames), np.int64))


def _likeness(student: SceneStudent, hold_out: Material) -> Likeness:
    crop, side = whole_frame(len(hold_out)), student.shape.side
    with torch.inference_mode():
        rows = [
            student(colour(hold_out.frames, crop, side, None)),
            student(distance(hold_out.depth, crop, side)),
        ]
    rgb, depth = (float((modality_rows.numpy() * hold_out.rows).sum(1).mean()) for modality_rows in rows)
    return Likeness(round(rgb, 5), round(depth, 5), len(hold_out))


def _write(
    folder: Path, student: SceneStudent, request: SceneRequest, scores: object, steps: int, seconds: float
) -> None:
    """The candidate with its version.json, whole or absent."""
    about = {"adapted": request.camera, "from": digest(request.base)}
    with atomic_directory(folder, replace=True) as temporary:
        save_student(student, about, temporary / "encoder")
        for path in (temporary / "encoder").iterdir():
            path.rename(temporary / path.name)
        (temporary / "encoder").rmdir()
        values = {
            "schema": _SCHEMA,
            "kind": "scene",
            "room": request.camera,
            "base": {"name": str(request.base.name), "digest": digest(request.base)},
            "before": request.before,
            "sha256": sha256_file(temporary / SCENE_WEIGHTS),
            "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "pairs": [picture.name for picture, _ in (*request.pairs, *request.hold_out)],
            "teacher": request.teacher or "itself",
            "seed": request.seed,
            "course": asdict(request.course),
            "steps": steps,
            "seconds": seconds,
            "scores": scores,
            "libraries": library_versions(),
        }
        atomic_write_text(temporary / VERSION_FILE, json.dumps(values, indent=1) + "\n")
