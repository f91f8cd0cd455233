"""Anchors: questions beside the room's pairs whose untouched answers the student must keep."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence

from adapters.jobs.request import Recipe
from adapters.training.material import Pictures
from adapters.training.questions import general_questions, unlike
from adapters.training.wording import about_other_things, reword
from core.types import Example
from models.decoding import greedy_rows, to_answer
from models.prefix_model import PrefixModel
from models.prefix_store import PrefixStore
from models.vlm import VisionLanguageModel

_LONGEST = 8
_AT_ONCE = 16
Asked = tuple[Path, str]
"""A picture and a question about it."""


@dataclass(frozen=True)
class Anchors:
    """What was asked, the untouched student's answers, and its log-probabilities float16 [n, T, V]."""

    asked: Sequence[Asked]
    answers: Sequence[str]
    logprobs: torch.Tensor

    def draw(self, count: int, rng: np.random.Generator) -> list[int]:
        """Draw the indices of up to `count` of them."""
        return [int(index) for index in rng.permutation(len(self.asked))[:count]]


def choose_anchors(
    train: Sequence[Example], probe: Sequence[Example], recipe: Recipe, rng: np.random.Generator
) -> list[Asked]:
    """Questions about the room's pictures, general ones and some in the pairs' forms, and the probe set."""
    questions = _draw_questions([example.question for example in train], recipe, rng)
    paths = list(dict.fromkeys(example.image for example in train))
    about_room = [(paths[int(rng.integers(len(paths)))], question) for question in questions]
    return about_room + [(example.image, example.question) for example in probe]


def whole_anchors(vlm: VisionLanguageModel, asked: Sequence[Asked], pictures: Pictures) -> Anchors:
    """What the model answers now, read anew."""

    def said() -> Iterable[tuple[list[str], torch.Tensor]]:
        for start in range(0, len(asked), _AT_ONCE):
            images, questions = zip(*asked[start : start + _AT_ONCE], strict=True)
            with torch.no_grad():
                vision = vlm.project(pictures.plain(images))
                answers = [answer.text for answer in vlm.answer_many(vision, questions, _LONGEST)]
                yield answers, vlm.teacher_forced(vision, questions, answers).logits

    return _collected(asked, said())


def later_anchors(
    vlm: PrefixModel, asked: Sequence[Asked], rows: Sequence[int], store: PrefixStore
) -> Anchors:
    """What the model answers now, from what it has read of them."""

    def said() -> Iterable[tuple[list[str], torch.Tensor]]:
        for start in range(0, len(asked), _AT_ONCE):
            prefixes = store.stack(rows[start : start + _AT_ONCE], vlm.dtype)
            spelt = greedy_rows(vlm.begin_after(prefixes), vlm.stop_ids, _LONGEST)
            answers = [to_answer(vlm.tokenizer, *row).text for row in spelt]
            with torch.no_grad():
                yield answers, vlm.forced_after(prefixes, answers)[0]

    return _collected(asked, said())


def _collected(asked: Sequence[Asked], said: Iterable[tuple[list[str], torch.Tensor]]) -> Anchors:
    answers: list[str] = []
    logprobs: list[torch.Tensor] = []
    for texts, logits in said:
        answers += texts
        logprobs += logits.float().log_softmax(dim=-1).half()
    return Anchors(
        asked, answers, pad_sequence(logprobs, batch_first=True) if logprobs else torch.empty(0, 0, 0)
    )


def _draw_questions(train_questions: Sequence[str], recipe: Recipe, rng: np.random.Generator) -> list[str]:
    general = unlike(general_questions(recipe.general, rng), train_questions)
    drawn = [*general, *about_other_things(train_questions, recipe.similar, rng)]
    # Reworded too, so that rewording does not give away a pair.
    return [reword(question, rng) if rng.random() < recipe.reworded else question for question in drawn]
