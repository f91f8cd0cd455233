"""`roomwise pretrain scene`: the teacher's head, both stages, and what is committed of them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console

from bench.pretrain.scene.head import save_head, train_head
from bench.pretrain.scene.pairs import read_pairs, tower_cells, validation_scores
from bench.pretrain.scene.recipes import RECIPE, SceneRecipe
from bench.pretrain.scene.runs import PTQ, Bench, carry_out, prepare_bench, rendered_frames
from bench.pretrain.scene.students import innate
from core.files import atomic_write_text
from models.embedder import load_minilm
from models.registry import load_model
from models.scene.names import CentredText
from models.scene.quantise import pack
from models.scene.student import load_student, save_student
from models.scene.teacher import HEAD_FILE, builtin_teacher, tower_digest

_HEAD_EPOCHS = 5
SHIPPED = {"stage2-int8": "scene-encoder", "stage1": "scene-stage1"}
"""Methods that are committed, and their folders' names."""
RANGES = "ranges.json"


@dataclass(frozen=True)
class SceneOptions:
    """What was typed. `share` of every course's steps is done, 1 for all."""

    data: Path
    run: Path
    output: Path
    seed: int = 0
    share: float = 1.0
    threads: int = 1
    quiet: bool = False


def pretrain_scene(options: SceneOptions) -> dict[str, Any]:
    """Train what is missing in the run's folder, and write the encoder; a summary of it."""
    torch.set_num_threads(options.threads)
    console = Console(stderr=True, quiet=options.quiet, soft_wrap=True)

    def report(line: str) -> None:
        console.print(line, highlight=False)

    head = options.output / "scene-teacher" / HEAD_FILE
    if not head.is_file():
        _train_head(options, head, report)
    teacher = builtin_teacher(head)
    recipe: SceneRecipe = RECIPE if options.share >= 1 else RECIPE.shortened(options.share)
    frames, depth = rendered_frames(options.data)
    bench = prepare_bench(frames, depth, teacher, innate(teacher.width), recipe, options.run, report)
    carry_out(bench, options.seed, only=("stage1", "stage2-int8", PTQ))
    scores = {
        name: validation_scores(load_student(bench.place(name, options.seed)), teacher, options.data)
        for name in SHIPPED
    }
    ship(bench, options.seed, scores, options.output)
    return {
        "output": str(options.output), "teacher": teacher.name, "seed": options.seed, "frames": len(frames),
        "validation": scores,
    }  # fmt: skip


def _train_head(options: SceneOptions, path: Path, report: Any) -> None:
    cells = tower_cells(load_model("builtin-expert"), options.data, "train", options.run / "cells", report)
    pairs = read_pairs(options.data, "train")
    losses: list[float] = []

    def step(number: int, loss: float) -> None:
        losses.append(loss)
        if number % 100 == 99:
            report(f"head {number + 1} loss {np.mean(losses[-100:]):.3f}")

    text = CentredText(load_minilm().text).text
    head = train_head(cells, pairs.facts, text, _HEAD_EPOCHS, options.seed, step)
    save_head(head, tower_digest(), {"loss": float(np.mean(losses[-100:]))}, path)


def ship(bench: Bench, seed: int, scores: Mapping[str, Mapping[str, float]], folder: Path) -> None:
    """Write the encoder and the stage-1 student of a seed below `folder`, replacing what is there.

    The ranges of the latter's activations go beside it, so that it can be quantised without frames.
    """
    for method, name in SHIPPED.items():
        student = load_student(bench.place(method, seed))
        config = (bench.place(method, seed) / "config.json").read_text(encoding="utf-8")
        about = json.loads(config)["about"]
        save_student(student, about, folder / name)
        atomic_write_text(folder / name / "README.md", card(name, method, about, student, scores[method]))
    quantised = pack(load_student(bench.place(PTQ, seed)))
    ranges = {key: float(value) for key, value in quantised.items() if key.endswith(".amax")}
    atomic_write_text(folder / SHIPPED["stage1"] / RANGES, json.dumps(ranges, indent=1) + "\n")


def card(name: str, method: str, about: Mapping[str, Any], student: Any, scores: Mapping[str, float]) -> str:
    """The model card."""
    size = sum(parameter.numel() for parameter in student.parameters()) / 1e6
    lines = [f"| {key} | {value:.2f} |" for key, value in scores.items()]
    return "\n".join([
        "---", "license: apache-2.0", "pipeline_tag: image-feature-extraction", "---",
        f"# Roomwise built-in {name}",
        "",
        f"{size:.1f} M parameters, the built-in student's vision tower at {student.shape.side} x "
        f"{student.shape.side} pixels and a linear layer to {student.shape.width} numbers. It says what kind "
        "of place a picture or a depth frame shows, by likeness to a sentence about it (all-MiniLM-L6-v2).",
        "",
        f"Method {method}: {about.get('steps')} steps, {float(about.get('seconds', 0)) / 60:.0f} min, seed "
        f"{about.get('seed')}, of frames of rooms rendered by this project and what the built-in teacher "
        "says of them; no other picture and no label.",
        "",
        "Share of views of rendered validation rooms that get the right one of ScanNet's 21 names:",
        "",
        "| | accuracy |", "|---|---|", *lines,
        "",
        "To train it again: `roomwise pretrain render`, then `roomwise pretrain scene`.",
        "It was never shown a photograph of a real room. Licence: Apache-2.0.",
        "",
    ])  # fmt: skip
