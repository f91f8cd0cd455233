"""Anchors: questions beside the room's pairs whose untouched answers the student must keep."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence

from adapters.jobs.request import Recipe
from adapters.training.material import Pictures
from adapters.training.questions import general_questions, unlike
from adapters.training.wording import about_other_things, reword
from core.types import Example
from models.vlm import VisionLanguageModel

_LONGEST = 8
_AT_ONCE = 16


class Anchors:
    """Questions about the room's and the probe set's pictures, general ones and some in the pairs' forms.

    `answers` are the untouched student's, `logprobs` float16 [n, T, V] its log-probabilities.
    """

    def __init__(
        self,
        vlm: VisionLanguageModel,
        train: Sequence[Example],
        probe: Sequence[Example],
        pictures: Pictures,
        recipe: Recipe,
        rng: np.random.Generator,
    ) -> None:
        questions = _draw_questions([example.question for example in train], recipe, rng)
        paths = list(dict.fromkeys(example.image for example in train))
        self.images: list[Path] = [paths[int(rng.integers(len(paths)))] for _ in questions]
        self.images += [example.image for example in probe]
        self.questions = [*questions, *(example.question for example in probe)]
        self.answers: list[str] = []
        logprobs: list[torch.Tensor] = []
        for start in range(0, len(self.questions), _AT_ONCE):
            batch = slice(start, start + _AT_ONCE)
            with torch.no_grad():
                vision = vlm.project(pictures.plain(self.images[batch]))
                answers = [answer.text for answer in vlm.answer_many(vision, self.questions[batch], _LONGEST)]
                forced = vlm.teacher_forced(vision, self.questions[batch], answers)
            self.answers += answers
            logprobs += forced.logits.float().log_softmax(dim=-1).half()
        self.logprobs = pad_sequence(logprobs, batch_first=True) if logprobs else torch.empty(0, 0, 0)

    def draw(self, count: int, rng: np.random.Generator) -> list[int]:
        """Draw the indices of up to `count` of them."""
        return [int(index) for index in rng.permutation(len(self.questions))[:count]]


def _draw_questions(train_questions: Sequence[str], recipe: Recipe, rng: np.random.Generator) -> list[str]:
    general = unlike(general_questions(recipe.general, rng), train_questions)
    drawn = [*general, *about_other_things(train_questions, recipe.similar, rng)]
    # Reworded too, so that rewording does not give away a pair.
    return [reword(question, rng) if rng.random() < recipe.reworded else question for question in drawn]
