"""What the commands of `cli` do once torch may be loaded: train, and export a model with its card."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from bench.pretrain.asking import exact_by_family
from bench.pretrain.blueprint import new_processor, save_model
from bench.pretrain.loop import Limits
from bench.pretrain.recipes import RECIPES, ModelRecipe
from bench.pretrain.train import ModelTraining, adjust_recipe, open_run, train
from bench.rooms.catalogue.index import STUDENT_UNSEEN, UNSEEN_COLOURS
from core.files import atomic_write_text
from models.florence import Florence

Scores = dict[str, tuple[float, int]]


@dataclass(frozen=True)
class PretrainOptions:
    """What was typed. `steps` belong to the stage asked for; `minutes` are for this call."""

    name: str
    data: Path
    run: Path
    output: Path | None = None
    stage: str | None = None
    steps: int | None = None
    minutes: float | None = None
    seed: int = 0
    threads: int = 1
    quiet: bool = False


def pretrain(options: PretrainOptions) -> tuple[dict[str, Any], bool]:
    """Train, and export once all stages are done; a summary, and whether a signal ended it."""
    console = Console(stderr=True, quiet=options.quiet, soft_wrap=True)
    steps = {options.stage: options.steps} if options.stage and options.steps else {}
    scores = {}
    with _fast_arithmetic(options.threads):
        recipe = adjust_recipe(RECIPES[options.name], steps, options.seed)
        run, moments = open_run(recipe, options.run, options.data)
        limits = Limits(seconds=60 * options.minutes if options.minutes is not None else float("inf"))
        finished = train(run, moments, limits, console, options.stage)
        if finished and run.progress.stage == run.recipe.stages[-1].name:
            scores = export(run, options.output or options.run / "model")
    progress = run.progress
    summary = {
        "model": options.name, "finished": finished, "stage": progress.stage, "step": progress.step,
        "steps": progress.steps, "items": progress.items, "seconds": progress.seconds,
        "rooms": progress.rooms, "scores": _values(scores),
    }  # fmt: skip
    return summary, limits.stopping


@contextmanager
def _fast_arithmetic(threads: int) -> Iterator[None]:
    """So many threads, and tiny numbers as zero, which they soon are; afterwards as it was.

    Other code in the process must not find its arithmetic changed.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
        torch.set_num_threads(before)


def export_run(options: PretrainOptions, rooms: int) -> dict[str, Any]:
    """Write the model as the run's checkpoint has it."""
    torch.set_num_threads(options.threads)
    run, _ = open_run(adjust_recipe(RECIPES[options.name], {}, options.seed), options.run, options.data)
    output = options.output or options.run / "model"
    scores = export(run, output, rooms)
    return {"model": options.name, "output": str(output), "scores": _values(scores)}


def _values(scores: Scores) -> dict[str, float]:
    return {name: value for name, (value, _) in scores.items()}


def export(run: ModelTraining, output: Path, rooms: int = 48) -> Scores:
    """Write the model to `output`, replacing what is there; returns its scores on held-out rooms."""
    processor = new_processor(run.recipe.blueprint, run.tokenizer)
    florence = Florence(run.recipe.name, run.model, processor.image_processor, run.tokenizer)
    run.held_out.rescan()
    scores = exact_by_family(florence, run.held_out, rooms)
    save_model(run.model, processor, output, torch.float16)
    atomic_write_text(output / "README.md", card(run, scores))
    return scores


def card(run: ModelTraining, scores: Scores) -> str:
    """The model card."""
    recipe, progress = run.recipe, run.progress
    size = sum(parameter.numel() for parameter in run.model.parameters()) / 1e6
    lines = [f"| {name} | {value:.2f} | {n} |" for name, (value, n) in scores.items()]
    stages = [
        f"| {stage.name} | {progress.steps.get(stage.name, 0)} | {progress.items.get(stage.name, 0):,} "
        f"{'questions' if stage.questions else 'pictures'} "
        f"| {progress.seconds.get(stage.name, 0) / 60:.0f} min |"
        for stage in recipe.stages
    ]
    return "\n".join([
        "---", "license: apache-2.0", "pipeline_tag: visual-question-answering", "---",
        f"# Roomwise built-in {recipe.name}",
        "",
        f"{size:.1f} M parameters, Florence-2 architecture, {recipe.blueprint.image_size} x "
        f"{recipe.blueprint.image_size} pixels, its own tokenizer of {len(run.tokenizer)} tokens. "
        "Trained from nothing on rooms rendered by this project; no other picture or text was used.",
        "",
        "## Training",
        f"Seed {recipe.seed}; {progress.rooms:,} rendered rooms, about four views each.",
        "",
        "| stage | steps | seen | time |", "|---|---|---|---|", *stages,
        "",
        "To train it again (on other processors the numbers differ in their last digits):",
        "",
        "```",
        f"roomwise pretrain render --rooms {_whole_cache(run)}",
        f"roomwise pretrain {recipe.name} --output models/builtin/{recipe.name}",
        "```",
        "",
        "## Scores",
        "Exact match on rendered validation rooms and wordings that training never uses.",
        "",
        "| score | share right | questions |", "|---|---|---|", *lines,
        "",
        "## What it does not know",
        _unknown(recipe),
        "It was never shown a real photograph, a person, an animal, or text, and answers in a word or a few. "
        "It answers every question, also one that has no answer: look at the confidence.",
        "",
        "Licence: Apache-2.0.",
        "",
    ])  # fmt: skip


def _whole_cache(run: ModelTraining) -> int:
    """Rooms to render: half of them are safe for the student, and it is trained on those alone."""
    return run.progress.rooms * (2 if run.recipe.student_safe else 1)


def _unknown(recipe: ModelRecipe) -> str:
    if not recipe.student_safe:
        return "Nothing was kept from it on purpose."
    return (
        f"It was never shown these, on purpose: {', '.join(sorted(STUDENT_UNSEEN))}; "
        f"nor anything {' or '.join(sorted(UNSEEN_COLOURS))}. That is what it has to learn in use."
    )
