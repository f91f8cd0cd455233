"""`roomwise pretrain student|expert`: the stages in order, from where the run folder left off."""

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from torch import nn
from transformers import PreTrainedTokenizerFast

from bench.pretrain.asking import QuestionStage
from bench.pretrain.blueprint import Blueprint, new_model, new_processor
from bench.pretrain.common.checkpoint import TrainingProgress, load_tensors, read_progress
from bench.pretrain.common.dataset import Frames
from bench.pretrain.dense import Dense, DenseHeads
from bench.pretrain.labels import NAMED, Naming
from bench.pretrain.loop import Limits, Loop, StageTask, stop_on_signals
from bench.pretrain.recipes import ModelRecipe, TrainingStage
from bench.pretrain.vocabulary import FILE as TOKENIZER_FILE
from bench.pretrain.vocabulary import definition, shared_tokenizer, stored_tokenizer
from core.errors import ConfigError
from core.files import atomic_write_text

_COUNT_SEED = 4242


@dataclass
class ModelTraining:
    """A model in training: its recipe, where its files are, and how far it is."""

    recipe: ModelRecipe
    folder: Path
    data: Path
    model: Any
    heads: DenseHeads
    tokenizer: PreTrainedTokenizerFast
    progress: TrainingProgress
    frames: Frames
    held_out: Frames

    @property
    def parts(self) -> dict[str, nn.Module]:
        """What a checkpoint holds."""
        return {"model": self.model, "heads": self.heads}


def open_run(
    recipe: ModelRecipe, folder: Path, data: Path
) -> tuple[ModelTraining, dict[int, dict[str, torch.Tensor]]]:
    """Go on in `folder`, or begin there; also returns the optimiser's state.

    Raises ConfigError when the folder holds a run of another recipe, InputError without rooms.
    """
    progress = read_progress(folder)
    tokenizer = _tokenizer(recipe, folder, data)
    if progress is not None:
        recipe = _recipe_of_run(recipe, progress, tokenizer, folder)
    identity = _identity(recipe, tokenizer)
    model: Any = new_model(recipe.blueprint, tokenizer, recipe.seed, attention="eager")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        heads = DenseHeads(recipe.blueprint.vision_dims[-1], recipe.blueprint.grids[-1])
    frames = Frames(data, "train", recipe.student_safe)
    held_out = Frames(data, "validation", recipe.student_safe)
    run = ModelTraining(
        recipe, folder, data, model, heads, tokenizer,
        progress or TrainingProgress(identity, recipe.seed), frames, held_out,
    )  # fmt: skip
    return run, load_tensors(folder, run.parts) if progress is not None else {}


def train(
    run: ModelTraining, moments: Any, limits: Limits, console: Console, only: str | None = None
) -> bool:
    """Run the stages that are left, or one alone; True when the last one wanted is finished."""
    run.progress.rooms = run.frames.rescan()
    run.held_out.rescan()
    stages = [stage for stage in run.recipe.stages if only in (None, stage.name)]
    names = [stage.name for stage in run.recipe.stages]
    current = names.index(run.progress.stage) if run.progress.stage else -1
    loop = Loop(run.folder, run.progress, run.parts, limits, console)
    with stop_on_signals(limits):
        for stage in stages:
            if only is None and names.index(stage.name) < current:
                continue
            if stage.name != run.progress.stage:
                run.progress.stage, run.progress.step, moments = stage.name, 0, {}
                run.progress.losses.clear()
            if run.progress.step < stage.steps and not loop.run(
                _task(run, stage), moments, run.frames.rescan
            ):
                return False
            moments = {}
    return True


def _task(run: ModelTraining, stage: TrainingStage) -> StageTask:
    grid = run.recipe.blueprint.grids[-1]
    if stage.name == "dense":
        if run.progress.step == 0:
            run.heads.count(run.frames, grid, np.random.default_rng([run.recipe.seed, _COUNT_SEED]))
        return Dense(run.model, run.heads, run.frames, run.held_out, stage, grid)
    processor = new_processor(run.recipe.blueprint, run.tokenizer)
    weights = [run.heads.class_weights(kind) for kind in range(len(NAMED))]
    return QuestionStage(
        run.model, run.heads, run.tokenizer, processor.image_processor, run.frames, run.held_out, stage,
        joint=stage.name == "joint", naming=Naming(run.tokenizer, weights, grid), grid=grid,
    )  # fmt: skip


def adjust_recipe(recipe: ModelRecipe, steps: dict[str, int], seed: int) -> ModelRecipe:
    """The recipe with other stage lengths or another seed."""
    for name, count in steps.items():
        recipe = recipe.with_steps(name, count)
    return replace(recipe, seed=seed)


def _tokenizer(recipe: ModelRecipe, folder: Path, data: Path) -> PreTrainedTokenizerFast:
    own = folder / TOKENIZER_FILE
    if not own.is_file():
        atomic_write_text(own, definition(shared_tokenizer(data, recipe.vocab_size)))
    return stored_tokenizer(own)


def _recipe_of_run(
    recipe: ModelRecipe, progress: TrainingProgress, tokenizer: PreTrainedTokenizerFast, folder: Path
) -> ModelRecipe:
    """The recipe in the sizes that the run was begun with: recipes change, a run goes on as it is."""
    stored = replace(recipe, blueprint=Blueprint.from_dict(progress.recipe["blueprint"]), seed=progress.seed)
    if progress.recipe != _identity(stored, tokenizer):
        raise ConfigError(
            f"The run in {folder} is of another model or has other words. "
            "Choose another --run folder, or move that one away."
        )
    return stored


def _identity(recipe: ModelRecipe, tokenizer: PreTrainedTokenizerFast) -> dict[str, Any]:
    words = hashlib.sha256(definition(tokenizer).encode()).hexdigest()
    return json.loads(  # type: ignore[no-any-return]
        json.dumps({"name": recipe.name, "blueprint": recipe.blueprint.to_dict(), "words": words})
    )
