"""Training in the whole model: the picture is read anew in each step, through the adapter."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from adapters.jobs.request import Recipe
from adapters.training.anchors import choose_anchors, whole_anchors
from adapters.training.lessons import Data, Lesson, draw, vary
from adapters.training.material import Pictures, teaching
from adapters.training.terms import answer_term, attention_term, drift_term, likelihood_term
from models.loss import IGNORED, answer_cross_entropy
from models.vlm import VisionLanguageModel

_GROUPS = {"all": "", "later": "", "encoder": ".encoder.", "decoder": ".decoder."}


class WholeMaterial:
    """What a step learns from, and its loss. Made before the adapter is in."""

    def __init__(
        self, vlm: VisionLanguageModel, data: Data, recipe: Recipe, rng: np.random.Generator
    ) -> None:
        self._vlm, self._recipe, self._replay = vlm, recipe, data.replay
        pairs, extra = [*data.train, *data.late], list(data.extra)
        paths = [example.image for example in (*pairs, *extra, *data.replay, *data.probe)]
        self._pictures = Pictures(vlm, paths, recipe.views, rng)
        # With late pairs too: no anchor may keep their old answers.
        asked = choose_anchors([*pairs, *extra], data.probe, recipe, rng)
        self._anchors = whole_anchors(vlm, asked, self._pictures)
        vision = {
            path: vlm.project(self._pictures.plain([path]))
            for path in {example.image: None for example in (*pairs, *extra)}
        }
        self._lessons = [Lesson(each, teaching(vlm, vision[each.image], each)) for each in pairs]
        self._extra = [Lesson(each, teaching(vlm, vision[each.image], each)) for each in extra]

    @property
    def targets(self) -> list[str]:
        """The layers to adapt."""
        return [name for name in self._vlm.lora_targets() if _GROUPS[self._recipe.targets] in name]

    def loss(self, open_pairs: int, rng: np.random.Generator) -> torch.Tensor:
        """The loss of one step that draws from the first `open_pairs` pairs."""
        return self._loss(self._draw_lessons(self._lessons[:open_pairs], rng), rng)

    def _draw_lessons(self, lessons: Sequence[Lesson], rng: np.random.Generator) -> list[Lesson]:
        """Some of a person's few pairs, then some of the agent's many."""
        frames = list(dict.fromkeys(lesson.example.image for lesson in (*lessons, *self._extra)))
        drawn = [lessons[index] for index in draw(self._recipe.batch, len(lessons), rng)]
        drawn += [self._extra[index] for index in draw(self._recipe.extra, len(self._extra), rng)]
        return [vary(lesson, frames, self._recipe, rng) for lesson in drawn]

    def _loss(self, lessons: Sequence[Lesson], rng: np.random.Generator) -> torch.Tensor:
        """Of pairs of the room, then pairs of other rooms, then anchors."""
        recipe, anchors = self._recipe, self._anchors
        replayed = [self._replay[index] for index in draw(recipe.replayed, len(self._replay), rng)]
        anchor_rows = anchors.draw(recipe.anchors, rng)
        pairs = [*(lesson.example for lesson in lessons), *replayed]
        images: list[Path] = [pair.image for pair in pairs]
        images += [anchors.asked[index][0] for index in anchor_rows]
        teachings = [lesson.teaching for lesson in lessons]
        maps = recipe.attention_weight > 0 and any(item.attention is not None for item in teachings)
        vision = self._vlm.project(self._pictures.varied(images, rng))
        forced = self._vlm.teacher_forced(
            vision,
            [pair.question for pair in pairs] + [anchors.asked[index][1] for index in anchor_rows],
            [pair.answer for pair in pairs] + [anchors.answers[index] for index in anchor_rows],
            attentions=maps,
        )
        first, second = len(lessons), len(pairs)
        loss = answer_term(forced, teachings, recipe.words_weight)
        if maps:
            loss = loss + recipe.attention_weight * attention_term(forced, teachings, vision.mean_token)
        loss = loss + recipe.logits_weight * likelihood_term(forced, teachings)
        if replayed:
            replay_loss = answer_cross_entropy(forced.logits[first:second], forced.labels[first:second])
            loss = loss + recipe.replay_weight * replay_loss
        if anchor_rows:
            length = min(forced.logits.shape[1], anchors.logprobs.shape[1])
            before = anchors.logprobs[anchor_rows][:, :length]
            counts = forced.labels[second:, :length] != IGNORED
            loss = loss + recipe.anchor_weight * drift_term(forced.logits[second:, :length], before, counts)
        return loss
