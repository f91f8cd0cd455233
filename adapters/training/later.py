"""Training after the picture: every lesson is read once by the base, in several variants, and then kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from adapters.jobs.request import Recipe
from adapters.training.anchors import Asked, choose_anchors, later_anchors
from adapters.training.lessons import Data, Lesson, draw, vary
from adapters.training.material import Pictures, Teaching, teaching
from adapters.training.terms import Predicted, answer_term, drift_term, likelihood_term, look_term
from core.types import Example
from models.loss import IGNORED, answer_cross_entropy
from models.precision import bfloat16_if_fast
from models.prefix_model import PrefixModel
from models.prefix_store import PrefixStore

_AT_ONCE = 16


@dataclass(frozen=True)
class Exercise:
    """A variant of a lesson, as it was read."""

    answer: str
    teaching: Teaching
    row: int
    """Its number in the store."""


class LaterMaterial:
    """What a step learns from, and its loss. Made before the adapter is in."""

    def __init__(
        self, vlm: PrefixModel, data: Data, recipe: Recipe, rng: np.random.Generator, store: PrefixStore
    ) -> None:
        self._vlm, self._recipe, self._store = vlm, recipe, store
        self._mean_token = False
        pairs, extra = [*data.train, *data.late], list(data.extra)
        paths = [example.image for example in (*pairs, *extra, *data.replay, *data.probe)]
        self._pictures = Pictures(vlm, paths, recipe.views, rng, quick=True)
        # With late pairs too: no anchor may keep their old answers.
        asked = choose_anchors([*pairs, *extra], data.probe, recipe, rng)
        self._anchor_rows = self._read(asked, rng)
        self._anchors = later_anchors(vlm, asked, self._anchor_rows, store)
        frames = list(dict.fromkeys(example.image for example in (*pairs, *extra)))
        self._pairs = self._exercises(pairs, frames, recipe.variants, rng)
        self._extra = self._exercises(extra, frames, recipe.extra_variants, rng)
        self._replay = self._exercises(data.replay, [], 1, rng)

    @property
    def targets(self) -> list[str]:
        """The layers to adapt."""
        return self._vlm.later_targets()

    def loss(self, open_pairs: int, rng: np.random.Generator) -> torch.Tensor:
        """The loss of one step that draws from the first `open_pairs` pairs."""
        recipe, anchors = self._recipe, self._anchors
        lessons = _draw(self._pairs[:open_pairs], recipe.batch, rng) + _draw(self._extra, recipe.extra, rng)
        replayed = _draw(self._replay, recipe.replayed, rng)
        kept = anchors.draw(recipe.anchors, rng)
        exercises = [*lessons, *replayed]
        rows = [exercise.row for exercise in exercises] + [self._anchor_rows[index] for index in kept]
        answers = [exercise.answer for exercise in exercises] + [anchors.answers[index] for index in kept]
        prefixes = self._store.stack(rows)
        teachings = [lesson.teaching for lesson in lessons]
        maps = recipe.look_weight > 0 and any(item.attention is not None for item in teachings)
        if maps:
            logits, labels, looks = self._vlm.forced_looking(prefixes, answers)
        else:
            logits, labels = self._vlm.forced_after(prefixes, answers)
        forced = Predicted(logits, labels)
        first, second = len(lessons), len(exercises)
        loss = answer_term(forced, teachings, recipe.words_weight)
        if maps:
            term = look_term(looks, labels, prefixes.vis, teachings, self._mean_token)
            loss = loss + recipe.look_weight * term
        loss = loss + recipe.logits_weight * likelihood_term(forced, teachings)
        if replayed:
            loss = loss + recipe.replay_weight * answer_cross_entropy(
                logits[first:second], labels[first:second]
            )
        if kept:
            length = min(logits.shape[1], anchors.logprobs.shape[1])
            before, counts = anchors.logprobs[kept][:, :length], labels[second:, :length] != IGNORED
            loss = loss + recipe.anchor_weight * drift_term(logits[second:, :length], before, counts)
        return loss

    def _exercises(
        self, examples: Sequence[Example], frames: Sequence[Path], variants: int, rng: np.random.Generator
    ) -> list[list[Exercise]]:
        """The variants of each example, itself first."""
        lessons = []
        with torch.no_grad():
            vision = {
                path: self._vlm.project(self._pictures.plain([path]))
                for path in {example.image: None for example in examples}
            }
        for example in examples:
            self._mean_token = vision[example.image].mean_token
            lesson = Lesson(example, teaching(self._vlm, vision[example.image], example))
            lessons += [lesson, *(vary(lesson, frames, self._recipe, rng) for _ in range(variants - 1))]
        rows = self._read([(lesson.example.image, lesson.example.question) for lesson in lessons], rng)
        exercises = [
            Exercise(lesson.example.answer, lesson.teaching, row)
            for lesson, row in zip(lessons, rows, strict=True)
        ]
        return [exercises[start : start + variants] for start in range(0, len(exercises), variants)]

    def _read(self, asked: Sequence[Asked], rng: np.random.Generator) -> list[int]:
        """What the base reads of each question about its picture, in some exposure: numbers in the store."""
        rows: list[int] = []
        for start in range(0, len(asked), _AT_ONCE):
            images, questions = zip(*asked[start : start + _AT_ONCE], strict=True)
            with torch.no_grad(), bfloat16_if_fast(self._vlm.device):
                vision = self._vlm.project(self._pictures.varied(images, rng))
                rows += self._store.add(self._vlm.prefixes(vision, questions).rows())
        return rows


def _draw(lessons: Sequence[Sequence[Exercise]], count: int, rng: np.random.Generator) -> list[Exercise]:
    """One variant each of up to `count` lessons."""
    chosen = [lessons[index] for index in draw(count, len(lessons), rng)]
    return [variants[int(rng.integers(len(variants)))] for variants in chosen]
