"""Train one adapter from a few pairs."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch.nn.utils import clip_grad_norm_

from adapters.jobs.request import Recipe
from adapters.training.anchors import Anchors
from adapters.training.material import Pictures, Teaching, teaching
from adapters.training.terms import answer_term, attention_term, drift_term, likelihood_term
from adapters.training.wording import reword, tied_to_view
from core.types import Example
from models.lora import Adapter, AdapterSlot, join
from models.lora_training import attach, detach, extract
from models.loss import IGNORED, answer_cross_entropy
from models.precision import bfloat16_if_fast
from models.vlm import VisionLanguageModel


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


_WARM_UP = 5


def warmed_cosine(step: int, steps: int) -> float:
    """Share of the full rate in step `step` of `steps`, from 0: linear warm-up, then half a cosine."""
    return min(1.0, (step + 1) / _WARM_UP) * 0.5 * (1 + math.cos(math.pi * step / steps))


_GROUPS = {"all": "", "encoder": ".encoder.", "decoder": ".decoder."}

OnStep = Callable[[int, float], None]
"""Called with the number of a step, from 1, and its loss."""


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


def train(
    vlm: VisionLanguageModel,
    data: Data,
    recipe: Recipe,
    seed: int,
    on_step: OnStep,
    time_used: Callable[[], float],
    on_trial: Callable[[], None] | None = None,
) -> Adapter | None:
    """The adapter, or None when time was up before the first step; the model is left as it was.

    `time_used` returns the share of the time that has passed; at 1 training ends. `on_trial` is called once,
    with the trained model in place, before the late pairs join: after its share of the steps or of the time.

    Examples with attention maps need a model loaded with attention="eager". Deterministic on the same
    processor with the same number of threads.
    """
    rng = np.random.default_rng(seed)
    pairs, extra_pairs = [*data.train, *data.late], list(data.extra)
    paths = [example.image for example in (*pairs, *extra_pairs, *data.replay, *data.probe)]
    pictures = Pictures(vlm, paths, recipe.views, rng)
    # With late pairs too: no anchor may keep their old answers.
    anchors = Anchors(vlm, [*pairs, *extra_pairs], data.probe, pictures, recipe, rng)
    vision = {
        path: vlm.project(pictures.plain([path]))
        for path in {example.image: None for example in (*pairs, *extra_pairs)}
    }
    lessons = [Lesson(example, teaching(vlm, vision[example.image], example)) for example in pairs]
    extra = [Lesson(example, teaching(vlm, vision[example.image], example)) for example in extra_pairs]
    open_pairs = len(data.train)
    targets = [name for name in vlm.lora_targets() if _GROUPS[recipe.targets] in name]
    parameters = attach(vlm, recipe.rank, recipe.alpha, targets, seed)
    optimiser = torch.optim.AdamW(parameters, lr=recipe.rate, weight_decay=0.0, betas=(0.9, 0.99))
    step = 0
    try:
        while step < recipe.steps and (elapsed := time_used()) < 1:
            if open_pairs < len(lessons) and max(elapsed, step / recipe.steps) >= recipe.trial:
                open_pairs = len(lessons)
                if on_trial is not None:
                    on_trial()
            for group in optimiser.param_groups:
                group["lr"] = recipe.rate * warmed_cosine(step, recipe.steps)
            batch = _draw_lessons(lessons[:open_pairs], extra, recipe, rng)
            with bfloat16_if_fast(vlm.device):
                loss = _loss(vlm, data.replay, recipe, pictures, anchors, batch, rng)
            optimiser.zero_grad()
            loss.backward()
            clip_grad_norm_(parameters, recipe.clip)
            optimiser.step()
            step += 1
            on_step(step, loss.item())
        return extract(vlm, recipe.rank, recipe.shrink * recipe.alpha) if step else None
    finally:
        detach(vlm)


def _draw_lessons(
    lessons: Sequence[Lesson], extra: Sequence[Lesson], recipe: Recipe, rng: np.random.Generator
) -> list[Lesson]:
    """The lessons of a step: some of a person's few pairs, then some of the agent's many."""
    frames = list(dict.fromkeys(lesson.example.image for lesson in (*lessons, *extra)))
    drawn = [lessons[index] for index in rng.permutation(len(lessons))[: recipe.batch]]
    drawn += [extra[index] for index in rng.permutation(len(extra))[: recipe.extra]]
    return [vary(lesson, frames, recipe, rng) for lesson in drawn]


def _loss(
    vlm: VisionLanguageModel,
    replay: Sequence[Example],
    recipe: Recipe,
    pictures: Pictures,
    anchors: Anchors,
    lessons: Sequence[Lesson],
    rng: np.random.Generator,
) -> torch.Tensor:
    """The loss of one batch: pairs of the room, then pairs of other rooms, then anchors."""
    replayed = [replay[index] for index in rng.permutation(len(replay))[: recipe.replayed]]
    anchor_rows = anchors.draw(recipe.anchors, rng)
    pairs = [*(lesson.example for lesson in lessons), *replayed]
    images: list[Path] = [pair.image for pair in pairs] + [anchors.images[index] for index in anchor_rows]
    teachings = [lesson.teaching for lesson in lessons]
    maps = recipe.attention_weight > 0 and any(item.attention is not None for item in teachings)
    vision = vlm.project(pictures.varied(images, rng))
    forced = vlm.teacher_forced(
        vision,
        [pair.question for pair in pairs] + [anchors.questions[index] for index in anchor_rows],
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


def train_upon(
    vlm: VisionLanguageModel,
    parent: Adapter | None,
    data: Data,
    recipe: Recipe,
    seed: int,
    on_step: OnStep,
    time_used: Callable[[], float],
    on_trial: Callable[[], None] | None = None,
) -> Adapter | None:
    """`train` in a model that holds the parent, which must hold no adapter before; it is left so.

    What it is to go on saying is what it says with the parent. The adapter is both: what was learnt, weakened
    as the recipe has it, and the parent in full. Raises WeightsError when that does not fit.
    """
    slot = AdapterSlot(vlm)
    slot.activate(None if parent is None else replace(parent, keep_tokens=None))
    try:
        adapter = train(vlm, data, recipe, seed, on_step, time_used, on_trial)
    finally:
        slot.deactivate()
    return adapter if parent is None or adapter is None else join(parent, adapter)
