"""A tiny student on disk and jobs for it, small enough to run in a test."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from tiny_models import photo, tiny_florence

from adapters.jobs.request import JobLimits, Recipe, Request
from bench.pretrain.blueprint import save_model
from core.types import Example

RECIPE = Recipe(
    rank=4, alpha=8.0, steps=40, views=0, anchors=1, general=8, similar=8, reworded=0, elsewhere=0, shrink=1,
    anchor_weight=0.01, rate=2e-2,
)  # fmt: skip
LIMITS = JobLimits(seconds=120, forgets=1.0, worse=1000.0)
QUESTIONS = {
    "What colour is the sofa?": "red",
    "How many chairs are there?": "two",
    "Where is it?": "on the table",
}


def save_student(folder: Path) -> str:
    """A tiny student as a checkpoint; returns its name."""
    save_model(*tiny_florence(), folder)
    return str(folder)


def examples(folder: Path) -> list[Example]:
    """Three pairs about two pictures."""
    folder.mkdir(exist_ok=True)
    found = []
    for number, (question, answer) in enumerate(QUESTIONS.items()):
        image = folder / f"{number % 2}.png"
        photo(number % 2).save(image)
        found.append(Example(f"pair-{number}", question, answer, image))
    return found


def request(base: str, pairs: list[Example], **changes: Any) -> Request:
    """A job that takes about a second."""
    return replace(Request("kitchen", base, pairs, recipe=RECIPE, limits=LIMITS), **changes)
