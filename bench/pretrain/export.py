"""A finished run as a model folder in the hub's layout, in half precision, with its card."""

from pathlib import Path

import torch

from bench.pretrain.blueprint import new_processor, save_model
from bench.pretrain.recipes import ModelRecipe
from bench.pretrain.scoring import exact_by_family
from bench.pretrain.train import ModelTraining
from bench.rooms.catalogue.index import STUDENT_UNSEEN, UNSEEN_COLOURS
from core.files import atomic_write_text
from models.florence import Florence

Scores = dict[str, tuple[float, int]]


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
        "---",
        "license: apache-2.0",
        "pipeline_tag: visual-question-answering",
        "---",
        f"# Roomwise built-in {recipe.name}",
        "",
        f"{size:.1f} M parameters, Florence-2 architecture, {recipe.blueprint.image_size} x "
        f"{recipe.blueprint.image_size} pixels, its own tokenizer of {len(run.tokenizer)} tokens. "
        "Trained from nothing on rooms rendered by this project; no other picture or text was used.",
        "",
        "## Training",
        f"Seed {recipe.seed}; {progress.rooms:,} rendered rooms, about four views each.",
        "",
        "| stage | steps | seen | time |",
        "|---|---|---|---|",
        *stages,
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
        "| score | share right | questions |",
        "|---|---|---|",
        *lines,
        "",
        "## What it does not know",
        _unknown(recipe),
        "It was never shown a real photograph, a person, an animal, or text, and answers in a word or a few. "
        "It answers every question, also one that has no answer: look at the confidence.",
        "",
        "Licence: Apache-2.0.",
        "",
    ])


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
