"""Measure what training costs here: a picture, a question, a row of a step, an answer."""

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import torch

from adapters.jobs.request import Recipe
from adapters.training.plan import Costs
from core.types import Example
from models.decoding import greedy_rows
from models.images import load_image
from models.lora_training import attach, detach
from models.loss import answer_cross_entropy
from models.precision import bfloat16_if_fast
from models.prefix import stack
from models.prefix_model import PrefixModel
from models.vlm import VisionLanguageModel, VisionTokens

_MAX_PIXELS = 50_000_000
_ROWS, _LONGEST = 4, 8
_QUICK = 0.5
"""Seconds; what is quicker is measured again, since the first time is slower."""


def measure(vlm: VisionLanguageModel, recipe: Recipe, examples: Sequence[Example]) -> Costs:
    """Costs in the wall's seconds, by a few examples; the model is left as it was. Raises ImageError."""
    rows = list(examples[:_ROWS])
    pixels = vlm.prepare([load_image(rows[0].image, _MAX_PIXELS)])
    later = recipe.targets == "later" and isinstance(vlm, PrefixModel)
    with bfloat16_if_fast(vlm.device) if later else nullcontext():
        picture, features = _timed(lambda: vlm.constant_features(pixels).to(vlm.dtype))
    questions, answers = [row.question for row in rows], [row.answer for row in rows]
    with torch.no_grad():
        vision = vlm.project(features)
    if recipe.targets == "later" and isinstance(vlm, PrefixModel):
        return _later(vlm, recipe, picture, vision, questions, answers)
    return _whole(vlm, recipe, picture, vision, questions, answers)


def _later(
    vlm: PrefixModel,
    recipe: Recipe,
    picture: float,
    vision: VisionTokens,
    questions: list[str],
    answers: list[str],
) -> Costs:
    with torch.no_grad(), bfloat16_if_fast(vlm.device):
        read, kept = _timed(lambda: vlm.prefixes(vision, questions).rows())
    with torch.no_grad():
        prefixes = stack(kept, vlm.dtype)
        answer, _ = _timed(lambda: greedy_rows(vlm.begin_after(prefixes), vlm.stop_ids, _LONGEST))
    row = _step(vlm, recipe, vlm.later_targets(), lambda: vlm.forced_after(stack(kept), answers))
    count = len(questions)
    # Judging reads the known answer too, which takes about as long as saying one.
    return Costs(picture, read / count, row / count, 2 * answer / count)


def _whole(
    vlm: VisionLanguageModel,
    recipe: Recipe,
    picture: float,
    vision: VisionTokens,
    questions: list[str],
    answers: list[str],
) -> Costs:
    """Nothing is kept: a row of a step reads its question, and so does every answer."""

    def forced() -> tuple[torch.Tensor, torch.Tensor]:
        passed = vlm.teacher_forced(vision, questions, answers)
        return passed.logits, passed.labels

    answer, _ = _timed(lambda: vlm.answer_many(vision, questions, _LONGEST))
    row = _step(vlm, recipe, vlm.lora_targets(), forced)
    return Costs(picture, 0.0, row / len(questions), 2 * answer / len(questions))


def _step(
    vlm: VisionLanguageModel,
    recipe: Recipe,
    targets: Sequence[str],
    forced: Callable[[], tuple[torch.Tensor, torch.Tensor]],
) -> float:
    """Seconds of a step there and back."""
    attach(vlm, recipe.rank, recipe.alpha, targets, 0)

    def step() -> None:
        with bfloat16_if_fast(vlm.device):
            loss = answer_cross_entropy(*forced())
        loss.backward()

    try:
        return _timed(step)[0]
    finally:
        detach(vlm)


def _timed(do: Callable[[], Any]) -> tuple[float, Any]:
    for _ in range(3):
        began = time.perf_counter()
        result = do()
        seconds = time.perf_counter() - began
        if seconds > _QUICK:
            break
    return seconds, result
