"""What a step makes of a pair: the pair itself, other words, another frame; never another answer."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from adapters.jobs.request import Recipe
from adapters.training.lessons import Lesson, vary
from adapters.training.material import Teaching
from core.types import Example

_FRAMES = [Path("a"), Path("b"), Path("c")]
_TEACHING = Teaching(torch.ones(1, 4) / 4, torch.ones(1, 2, dtype=torch.long), torch.zeros(1, 2))


def _lesson(question: str) -> Lesson:
    return Lesson(Example("1", question, "red", _FRAMES[0]), _TEACHING)


def _drawn(question: str, **changes: float) -> list[Lesson]:
    rng = np.random.default_rng(0)
    recipe = replace(Recipe(reworded=0, elsewhere=0), **changes)  # type: ignore[arg-type]
    return [vary(_lesson(question), _FRAMES, recipe, rng) for _ in range(60)]


def test_without_variation_the_lesson_is_the_lesson() -> None:
    lesson = _lesson("What colour is the sofa?")
    assert vary(lesson, _FRAMES, Recipe(reworded=0, elsewhere=0), np.random.default_rng(0)) is lesson


def test_a_colour_is_asked_of_every_frame_and_a_side_of_its_own() -> None:
    assert {one.example.image for one in _drawn("What colour is the sofa?", elsewhere=1)} == set(_FRAMES)
    assert {one.example.image for one in _drawn("Left or right?", elsewhere=1)} == {_FRAMES[0]}


def test_where_the_expert_looked_is_not_taught_of_other_words_or_frames() -> None:
    for one in _drawn("What colour is the sofa?", elsewhere=0.5, reworded=0.5):
        same = one.example == _lesson("What colour is the sofa?").example
        assert (one.teaching.attention is not None) == same
        assert one.teaching.ids is _TEACHING.ids and one.example.answer == "red"
