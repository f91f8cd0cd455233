"""Reducers that learn which directions the language model needs; it stays as it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from models.loss import IGNORED
from models.reducing.linear import TokenReducer
from models.vlm import VisionLanguageModel, VisionTokens

_BATCH = 24


@dataclass(frozen=True)
class Lessons:
    """Questions with their answers, and which picture of `vision` each is about."""

    vision: VisionTokens
    pictures: Sequence[int]
    questions: Sequence[str]
    answers: Sequence[str]


def learnt(
    vlm: VisionLanguageModel,
    start: TokenReducer,
    widths: Sequence[int],
    lessons: Lessons,
    steps: int,
    rate: float,
    seed: int,
    on_step: Callable[[], None],
) -> TokenReducer:
    """From `start` on, down and up free: sum over `widths` of |Z - lift|^2 / Var + KL(logits), equal weights.

    One width is a learned projection; several nested ones are a matryoshka (Kusupati et al. 2022, Matryoshka
    representation learning): the first m numbers serve by themselves. The KL is from all D numbers to k, over
    the answers' tokens.
    """
    vlm.module.requires_grad_(False)
    down, up = start.down.clone().requires_grad_(), start.up.clone().requires_grad_()
    optimiser = torch.optim.Adam([down, up], lr=rate)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        drawn = torch.randperm(len(lessons.questions), generator=generator)[:_BATCH].tolist()
        vision = lessons.vision.select([lessons.pictures[place] for place in drawn])
        words = [lessons.questions[place] for place in drawn], [lessons.answers[place] for place in drawn]
        with torch.no_grad():
            wanted = vlm.teacher_forced(vision, *words)
        loss = torch.zeros(())
        for width in widths:
            reducer = replace(start, down=down, up=up).narrowed(width)
            loss = loss + _loss(vlm, reducer, vision, words, wanted.logits, wanted.labels != IGNORED)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        on_step()
    return replace(start, down=down.detach(), up=up.detach())


def _loss(
    vlm: VisionLanguageModel,
    reducer: TokenReducer,
    vision: VisionTokens,
    words: tuple[Sequence[str], Sequence[str]],
    wanted: torch.Tensor,
    counts: torch.Tensor,
) -> torch.Tensor:
    tokens = reducer.there_and_back(vision.tokens)
    lost = ((tokens - vision.tokens) / reducer.scale).square().mean()
    now = vlm.teacher_forced(replace(vision, tokens=tokens), *words).logits[counts].log_softmax(dim=-1)
    before = wanted[counts].log_softmax(dim=-1)
    return lost + (before.exp() * (before - now)).sum() / counts.sum().clamp(min=1)
