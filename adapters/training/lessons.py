"""A pair as one step sees it: now and then in other words, or of another of the room's frames."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from adapters.jobs.request import Recipe
from adapters.training.material import Teaching
from adapters.training.wording import reword, tied_to_view
from core.types import Example


@dataclass(frozen=True)
class Lesson:
    """A pair, and what its expert's signal teaches beside the words."""

    example: Example
    teaching: Teaching


def vary(lesson: Lesson, frames: Sequence[Path], recipe: Recipe, rng: np.random.Generator) -> Lesson:
    """The lesson, or the same in other words, or of another frame if the answer should hold there too.

    Where the expert looked holds for its own words and its own frame alone.
    """
    example = lesson.example
    elsewhere = rng.random() < recipe.elsewhere
    if elsewhere and not tied_to_view(example.question):
        example = replace(example, image=frames[int(rng.integers(len(frames)))])
    if rng.random() < recipe.reworded:
        example = replace(example, question=reword(example.question, rng))
    if example == lesson.example:
        return lesson
    return Lesson(example, replace(lesson.teaching, attention=None))
