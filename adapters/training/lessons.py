"""What is learnt: pairs with what their experts' signals teach, varied in words and frame."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from adapters.jobs.request import Recipe
from adapters.training.material import Teaching
from adapters.training.wording import reword, tied_to_view
from core.types import Example


@dataclass(frozen=True)
class Data:
    """Pairs to learn, pairs of other rooms to replay, and the probe set.

    `late` pairs join after the trial, which they judge. `extra` are pairs of the agent's own questions, which
    are many: a step draws from them separately.
    """

    train: Sequence[Example]
    replay: Sequence[Example] = ()
    probe: Sequence[Example] = ()
    late: Sequence[Example] = ()
    extra: Sequence[Example] = ()


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


def draw(count: int, of: int, rng: np.random.Generator) -> list[int]:
    """Up to `count` different numbers below `of`, in any order."""
    return [int(index) for index in rng.permutation(of)[:count]]
