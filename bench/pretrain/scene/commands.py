"""`roomwise pretrain scene`: the teacher's head, both stages, and what is committed of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console

from bench.pretrain.scene.head import save_head, train_head
from bench.pretrain.scene.pairs import read_pairs, tower_cells, validation_scores
from bench.pretrain.scene.recipes import RECIPE, SceneRecipe
from bench.pretrain.scene.runs import PTQ, carry_out
from bench.pretrain.scene.setting import prepared, rendered_frames
from bench.pretrain.scene.shipping import SHIPPED, ship
from bench.pretrain.scene.students import innate
from models.embedder import load_minilm
from models.registry import load_model
from models.scene.names import CentredText
from models.scene.student import load_student
from models.scene.teacher import HEAD_FILE, builtin_teacher, tower_digest

_HEAD_EPOCHS = 5


@dataclass(frozen=True)
class SceneWish:
    """What was typed. `share` of every course's steps is done, 1 for all."""

    data: Path
    run: Path
    output: Path
    seed: int = 0
    share: float = 1.0
    threads: int = 1
    quiet: bool = False


def pretrain_scene(wish: SceneWish) -> dict[str, Any]:
    """Train what is missing in the run's folder, and write the encoder; a summary of it."""
    torch.set_num_threads(wish.threads)
    console = Console(stderr=True, quiet=wish.quiet, soft_wrap=True)

    def said(line: str) -> None:
        console.print(line, highlight=False)

    head = wish.output / "scene-teacher" / HEAD_FILE
    if not head.is_file():
        _head(wish, head, said)
    teacher = builtin_teacher(head)
    recipe: SceneRecipe = RECIPE if wish.share >= 1 else RECIPE.shortened(wish.share)
    frames, depth = rendered_frames(wish.data)
    bench = prepared(frames, depth, teacher, innate(teacher.width), recipe, wish.run, said)
    carry_out(bench, wish.seed, only=("stage1", "stage2-int8", PTQ))
    scores = {
        name: validation_scores(load_student(bench.place(name, wish.seed)), teacher, wish.data)
        for name in SHIPPED
    }
    ship(bench, wish.seed, scores, wish.output)
    summary = {"output": str(wish.output), "teacher": teacher.name, "seed": wish.seed, "frames": len(frames)}
    return {**summary, "validation": scores}


def _head(wish: SceneWish, path: Path, said: Any) -> None:
    cells = tower_cells(load_model("builtin-expert"), wish.data, "train", wish.run / "cells", said)
    pairs = read_pairs(wish.data, "train")
    losses: list[float] = []

    def step(number: int, loss: float) -> None:
        losses.append(loss)
        if number % 100 == 99:
            said(f"head {number + 1} loss {np.mean(losses[-100:]):.3f}")

    head = train_head(cells, pairs.facts, CentredText(load_minilm().text).text, _HEAD_EPOCHS, wish.seed, step)
    save_head(head, tower_digest(), {"loss": float(np.mean(losses[-100:]))}, path)
