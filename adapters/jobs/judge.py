"""Score a model on questions with known answers: exact match, NLS and likelihood."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from core.scoring import exact_match, nls
from core.types import Example
from models.images import load_image
from models.loss import IGNORED
from models.vlm import VisionLanguageModel

_MAX_PIXELS = 50_000_000
_AT_ONCE = 16
_LONGEST = 24


@dataclass(frozen=True)
class Score:
    """Means over `n` questions: exact match and NLS in [0, 1]; `loglik` in nats a token, at most 0.

    Likelihood tells models apart even where a few answers are the same. All 0 without questions.
    """

    exact: float = 0.0
    nls: float = 0.0
    loglik: float = 0.0
    n: int = 0


def judge(vlm: VisionLanguageModel, examples: Sequence[Example]) -> Score:
    """Score the model as it is now. Raises ImageError for missing pictures."""
    rows: list[tuple[float, float, float]] = []
    for start in range(0, len(examples), _AT_ONCE):
        rows += _judge_batch(vlm, examples[start : start + _AT_ONCE])
    if not rows:
        return Score()
    exact, near, loglik = (sum(values) / len(rows) for values in zip(*rows, strict=True))
    return Score(exact, near, loglik, len(rows))


def _judge_batch(vlm: VisionLanguageModel, examples: Sequence[Example]) -> list[tuple[float, float, float]]:
    paths = list(dict.fromkeys(example.image for example in examples))
    encoded = vlm.encode_images([load_image(path, _MAX_PIXELS) for path in paths])
    vision = encoded.select([paths.index(example.image) for example in examples])
    questions = [example.question for example in examples]
    predictions = vlm.answer_many(vision, questions, _LONGEST)
    with torch.no_grad():
        forced = vlm.teacher_forced(vision, questions, [example.answer for example in examples])
    answered = forced.labels != IGNORED
    targets = forced.labels.masked_fill(~answered, 0).unsqueeze(-1)
    logprobs = forced.logits.float().log_softmax(dim=-1).gather(-1, targets).squeeze(-1) * answered
    logliks = logprobs.sum(dim=1) / answered.sum(dim=1).clamp(min=1)
    return [
        (float(exact_match(answer.text, example.answer)), nls(answer.text, example.answer), value)
        for answer, example, value in zip(predictions, examples, logliks.tolist(), strict=True)
    ]
