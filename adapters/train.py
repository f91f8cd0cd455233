"""One adapter from a few pairs: a loop that reads from top to bottom."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn.utils import clip_grad_norm_
from torch.nn.utils.rnn import pad_sequence

from adapters.material import Pictures, Teaching, teaching
from adapters.questions import general_questions, unlike
from adapters.request import Recipe
from adapters.terms import drift, likelihoods, looking
from core.types import Example
from models.lora import Adapter
from models.lora_training import attach, detach, taken
from models.loss import IGNORED, answer_cross_entropy
from models.vlm import VisionLanguageModel

_ASKED = 96
"""General questions about the room's own pictures; steps draw from them."""
_LONGEST = 8
_AT_ONCE = 16
_WARM_UP = 5
_GROUPS = {"all": "", "encoder": ".encoder.", "decoder": ".decoder."}

OnStep = Callable[[int, float], None]
"""Called with the number of a step, from 1, and its loss."""


@dataclass(frozen=True)
class Data:
    """Pairs to learn, pairs of other rooms to repeat, and questions whose answers are to stay."""

    train: Sequence[Example]
    replay: Sequence[Example]
    probe: Sequence[Example]


class _Anchors:
    """Questions with what the untouched student says to them, and how sure it is of every word."""

    def __init__(
        self, vlm: VisionLanguageModel, data: Data, pictures: Pictures, rng: np.random.Generator
    ) -> None:
        known = [example.question for example in data.train]
        asked = unlike(general_questions(_ASKED, rng), known)
        paths = list(dict.fromkeys(example.image for example in data.train))
        self.images = [paths[int(rng.integers(len(paths)))] for _ in asked]
        self.images += [example.image for example in data.probe]
        self.questions = [*asked, *(example.question for example in data.probe)]
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
        self.logprobs = pad_sequence(sure, batch_first=True)

    def drawn(self, count: int, rng: np.random.Generator) -> list[int]:
        return [int(index) for index in rng.permutation(len(self.questions))[:count]]


def train(
    vlm: VisionLanguageModel,
    data: Data,
    recipe: Recipe,
    seed: int,
    on_step: OnStep,
    should_stop: Callable[[], bool],
) -> Adapter | None:
    """The adapter, or None when `should_stop` said so before a step was made; the model is left as it was.

    The model must be loaded with attention="eager" when examples bring attention maps. Same arguments,
    same adapter, on the same processor with the same number of threads.
    """
    rng = np.random.default_rng(seed)
    paths = [example.image for example in (*data.train, *data.replay, *data.probe)]
    pictures = Pictures(vlm, paths, recipe.views, rng)
    anchors = _Anchors(vlm, data, pictures, rng)
    lessons = [teaching(vlm, vlm.project(pictures.plain([example.image])), example) for example in data.train]
    targets = [name for name in vlm.lora_targets() if _GROUPS[recipe.targets] in name]
    parameters = attach(vlm, recipe.rank, recipe.alpha, targets, seed)
    optimiser = torch.optim.AdamW(parameters, lr=recipe.rate, weight_decay=0.0, betas=(0.9, 0.99))
    made = 0
    try:
        while made < recipe.steps and not should_stop():
            for group in optimiser.param_groups:
                group["lr"] = recipe.rate * _rate(made, recipe.steps)
            loss = _loss(vlm, data, recipe, pictures, anchors, lessons, rng)
            optimiser.zero_grad()
            loss.backward()
            clip_grad_norm_(parameters, recipe.clip)
            optimiser.step()
            made += 1
            on_step(made, loss.item())
        return taken(vlm, recipe.rank, recipe.alpha) if made else None
    finally:
        detach(vlm)


def _rate(step: int, steps: int) -> float:
    """Share of the full rate: up over a few steps, then down along a half cosine."""
    return min(1.0, (step + 1) / _WARM_UP) * 0.5 * (1 + math.cos(math.pi * step / steps))


def _loss(
    vlm: VisionLanguageModel,
    data: Data,
    recipe: Recipe,
    pictures: Pictures,
    anchors: _Anchors,
    lessons: Sequence[Teaching],
    rng: np.random.Generator,
) -> torch.Tensor:
    """One batch: pairs of the room, then pairs of other rooms, then questions whose answers are to stay."""
    chosen = rng.permutation(len(data.train))[: recipe.batch].tolist()
    learnt = [data.train[index] for index in chosen]
    repeated = [data.replay[index] for index in rng.permutation(len(data.replay))[: recipe.replayed]]
    kept = anchors.drawn(recipe.anchors, rng)
    pairs = [*learnt, *repeated]
    images: list[Path] = [pair.image for pair in pairs] + [anchors.images[index] for index in kept]
    told = [lessons[index] for index in chosen]
    maps = recipe.attention_weight > 0 and any(one.looked is not None for one in told)
    vision = vlm.project(pictures.varied(images, rng))
    forced = vlm.teacher_forced(
        vision,
        [pair.question for pair in pairs] + [anchors.questions[index] for index in kept],
        [pair.answer for pair in pairs] + [anchors.answers[index] for index in kept],
        attentions=maps,
    )
    first, second = len(learnt), len(pairs)
    loss = answer_cross_entropy(forced.logits[:first], forced.labels[:first])
    if maps:
        loss = loss + recipe.attention_weight * looking(forced, told, vision.mean_token)
    loss = loss + recipe.logits_weight * likelihoods(forced, told)
    if repeated:
        again = answer_cross_entropy(forced.logits[first:second], forced.labels[first:second])
        loss = loss + recipe.replay_weight * again
    if kept:
        length = min(forced.logits.shape[1], anchors.logprobs.shape[1])
        before = anchors.logprobs[kept][:, :length]
        counts = forced.labels[second:, :length] != IGNORED
        loss = loss + recipe.anchor_weight * drift(forced.logits[second:, :length], before, counts)
    return loss
