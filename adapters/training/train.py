"""One adapter from a few pairs: a loop that reads from top to bottom."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn.utils import clip_grad_norm_

from adapters.jobs.request import Recipe
from adapters.training.anchors import Anchors
from adapters.training.lessons import Lesson, varied
from adapters.training.material import Pictures, teaching
from adapters.training.terms import answers, drift, likelihoods, looking
from core.types import Example
from models.lora import Adapter
from models.lora_training import attach, detach, extract
from models.loss import IGNORED, answer_cross_entropy
from models.precision import bfloat16_if_fast
from models.vlm import VisionLanguageModel

_WARM_UP = 5


def warmed_cosine(step: int, steps: int) -> float:
    """Share of the full rate in step `step` of `steps`, from 0: up over a few, then down a half cosine."""
    return min(1.0, (step + 1) / _WARM_UP) * 0.5 * (1 + math.cos(math.pi * step / steps))


_GROUPS = {"all": "", "encoder": ".encoder.", "decoder": ".decoder."}

OnStep = Callable[[int, float], None]
"""Called with the number of a step, from 1, and its loss."""


@dataclass(frozen=True)
class Data:
    """Pairs to learn, pairs of other rooms to repeat, and questions whose answers are to stay.

    `late` are pairs to learn that join when the trial is over: what judges it, it has not seen. `extra` are
    what the agent asked for: many, so that a step draws from them apart.
    """

    train: Sequence[Example]
    replay: Sequence[Example] = ()
    probe: Sequence[Example] = ()
    late: Sequence[Example] = ()
    extra: Sequence[Example] = ()


def train(
    vlm: VisionLanguageModel,
    data: Data,
    recipe: Recipe,
    seed: int,
    on_step: OnStep,
    used: Callable[[], float],
    on_trial: Callable[[], None] | None = None,
) -> Adapter | None:
    """The adapter, or None when time was up before a step was made; the model is left as it was.

    `used` tells the share of the time that has passed; at 1 training ends. `on_trial` is called once, with
    the model as it has become, before the late pairs join: after its share of the steps or of the time.

    The model must be loaded with attention="eager" when examples bring attention maps. Same arguments,
    same adapter, on the same processor with the same number of threads.
    """
    rng = np.random.default_rng(seed)
    every, more = [*data.train, *data.late], list(data.extra)
    paths = [example.image for example in (*every, *more, *data.replay, *data.probe)]
    pictures = Pictures(vlm, paths, recipe.views, rng)
    # Of the late pairs the questions alone: they are not to be held to their old answers.
    anchors = Anchors(vlm, [*every, *more], data.probe, pictures, recipe, rng)
    shown = {
        path: vlm.project(pictures.plain([path])) for path in {one.image: None for one in (*every, *more)}
    }
    lessons = [Lesson(example, teaching(vlm, shown[example.image], example)) for example in every]
    extra = [Lesson(example, teaching(vlm, shown[example.image], example)) for example in more]
    known = len(data.train)
    targets = [name for name in vlm.lora_targets() if _GROUPS[recipe.targets] in name]
    parameters = attach(vlm, recipe.rank, recipe.alpha, targets, seed)
    optimiser = torch.optim.AdamW(parameters, lr=recipe.rate, weight_decay=0.0, betas=(0.9, 0.99))
    made = 0
    try:
        while made < recipe.steps and (passed := used()) < 1:
            if known < len(lessons) and max(passed, made / recipe.steps) >= recipe.trial:
                known = len(lessons)
                if on_trial is not None:
                    on_trial()
            for group in optimiser.param_groups:
                group["lr"] = recipe.rate * warmed_cosine(made, recipe.steps)
            learnt = _drawn(lessons[:known], extra, recipe, rng)
            with bfloat16_if_fast(vlm.device):
                loss = _loss(vlm, data.replay, recipe, pictures, anchors, learnt, rng)
            optimiser.zero_grad()
            loss.backward()
            clip_grad_norm_(parameters, recipe.clip)
            optimiser.step()
            made += 1
            on_step(made, loss.item())
        return extract(vlm, recipe.rank, recipe.shrink * recipe.alpha) if made else None
    finally:
        detach(vlm)


def _drawn(
    lessons: Sequence[Lesson], extra: Sequence[Lesson], recipe: Recipe, rng: np.random.Generator
) -> list[Lesson]:
    """What a step teaches: of the few pairs a person asked for, then of the many that the agent did."""
    frames = list(dict.fromkeys(lesson.example.image for lesson in (*lessons, *extra)))
    chosen = [lessons[index] for index in rng.permutation(len(lessons))[: recipe.batch]]
    chosen += [extra[index] for index in rng.permutation(len(extra))[: recipe.extra]]
    return [varied(lesson, frames, recipe, rng) for lesson in chosen]


def _loss(
    vlm: VisionLanguageModel,
    replay: Sequence[Example],
    recipe: Recipe,
    pictures: Pictures,
    anchors: Anchors,
    learnt: Sequence[Lesson],
    rng: np.random.Generator,
) -> torch.Tensor:
    """One batch: pairs of the room, then pairs of other rooms, then questions whose answers are to stay."""
    repeated = [replay[index] for index in rng.permutation(len(replay))[: recipe.replayed]]
    kept = anchors.drawn(recipe.anchors, rng)
    pairs = [*(lesson.example for lesson in learnt), *repeated]
    images: list[Path] = [pair.image for pair in pairs] + [anchors.images[index] for index in kept]
    told = [lesson.teaching for lesson in learnt]
    maps = recipe.attention_weight > 0 and any(one.looked is not None for one in told)
    vision = vlm.project(pictures.varied(images, rng))
    forced = vlm.teacher_forced(
        vision,
        [pair.question for pair in pairs] + [anchors.questions[index] for index in kept],
        [pair.answer for pair in pairs] + [anchors.answers[index] for index in kept],
        attentions=maps,
    )
    first, second = len(learnt), len(pairs)
    loss = answers(forced, told, recipe.words_weight)
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
