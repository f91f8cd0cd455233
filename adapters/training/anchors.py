"""What the student is to go on saying: questions beside the room's pairs, with its untouched answers."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence

from adapters.jobs.request import Recipe
from adapters.training.material import Pictures
from adapters.training.questions import general_questions, unlike
from adapters.training.wording import about_other_things, reworded
from core.types import Example
from models.vlm import VisionLanguageModel

_LONGEST = 8
_AT_ONCE = 16


class Anchors:
    """Questions about the room's own pictures and the probe set's, in general words and in the pairs' own.

    `answers` are the untouched student's words, `logprobs` float16 [n, T, V] how sure it was of every one.
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
        asked = _asked([example.question for example in train], recipe, rng)
        paths = list(dict.fromkeys(example.image for example in train))
        self.images: list[Path] = [paths[int(rng.integers(len(paths)))] for _ in asked]
        self.images += [example.image for example in probe]
        self.questions = [*asked, *(example.question for example in probe)]
        self.answers: list[str] = []
        sure: list[torch.Tensor] = []
        for start in range(0, len(self.questions), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            with torch.no_grad():
                vision = vlm.project(pictures.plain(self.images[part]))
                said = [answer.text for answer in vlm.answer_many(vision, self.questions[part], _LONGEST)]
                forced = vlm.teacher_forced(vision, self.questions[part], said)
            self.answers += said
            sure += forced.logits.float().log_softmax(dim=-1).half()
        self.logprobs = pad_sequence(sure, batch_first=True) if sure else torch.empty(0, 0, 0)

    def drawn(self, count: int, rng: np.random.Generator) -> list[int]:
        """Places of up to `count` of them."""
        return [int(index) for index in rng.permutation(len(self.questions))[:count]]


def _asked(known: Sequence[str], recipe: Recipe, rng: np.random.Generator) -> list[str]:
    general = unlike(general_questions(recipe.general, rng), known)
    asked = [*general, *about_other_things(known, recipe.similar, rng)]
    # Only if other words come up here too do they not give away that a pair is asked about.
    return [reworded(question, rng) if rng.random() < recipe.reworded else question for question in asked]
