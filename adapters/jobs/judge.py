"""Score a model on questions with known answers: exact match, NLS and likelihood."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from core.scoring import exact_match, nls
from core.types import Example
from models.decoding import greedy_rows, to_answer
from models.images import load_image
from models.loss import IGNORED
from models.prefix import Prefixes, PrefixRow, stack
from models.prefix_model import PrefixModel
from models.vlm import VisionLanguageModel, VisionTokens

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


class Judge:
    """Questions with known answers, to score a model on again and again: each picture is encoded once.

    `later`: no adapter changes what the model reads before it answers, so that is kept too.
    """

    def __init__(self, vlm: VisionLanguageModel, examples: Sequence[Example], later: bool = False) -> None:
        """Raises ImageError for missing pictures."""
        self._vlm, self._examples = vlm, list(examples)
        self._features = {
            path: vlm.constant_features(vlm.prepare([load_image(path, _MAX_PIXELS)]))
            for path in dict.fromkeys(example.image for example in examples)
        }
        self._reader = vlm if later and isinstance(vlm, PrefixModel) else None
        self._pruner = vlm.pruner
        self._prefixes: list[PrefixRow] = []

    def __len__(self) -> int:
        return len(self._examples)

    def score(self) -> Score:
        """Score the model as it is now."""
        rows: list[tuple[float, float, float]] = []
        for start in range(0, len(self._examples), _AT_ONCE):
            rows += self._judge_batch(start, self._examples[start : start + _AT_ONCE])
        if not rows:
            return Score()
        exact, near, loglik = (sum(values) / len(rows) for values in zip(*rows, strict=True))
        return Score(exact, near, loglik, len(rows))

    @torch.no_grad()
    def _judge_batch(self, start: int, examples: Sequence[Example]) -> list[tuple[float, float, float]]:
        known = [example.answer for example in examples]
        if self._reader is not None and self._vlm.pruner is self._pruner:
            prefixes = self._read(self._reader, start, examples)
            spelt = greedy_rows(self._reader.begin_after(prefixes), self._vlm.stop_ids, _LONGEST)
            said = [to_answer(self._vlm.tokenizer, *row).text for row in spelt]
            logits, labels = self._reader.forced_after(prefixes, known)
        else:
            vision, questions = self._vision(examples), [example.question for example in examples]
            said = [answer.text for answer in self._vlm.answer_many(vision, questions, _LONGEST)]
            forced = self._vlm.teacher_forced(vision, questions, known)
            logits, labels = forced.logits, forced.labels
        logliks = _mean_logprobs(logits, labels)
        return [
            (float(exact_match(text, answer)), nls(text, answer), value)
            for text, answer, value in zip(said, known, logliks, strict=True)
        ]

    def _read(self, reader: PrefixModel, start: int, examples: Sequence[Example]) -> Prefixes:
        """What was read of these questions, now or before."""
        if len(self._prefixes) <= start:
            vision = self._vision(examples)
            self._prefixes += reader.prefixes(vision, [example.question for example in examples]).rows()
        return stack(self._prefixes[start : start + len(examples)])

    def _vision(self, examples: Sequence[Example]) -> VisionTokens:
        return self._vlm.project(torch.cat([self._features[example.image] for example in examples]))


def judge(vlm: VisionLanguageModel, examples: Sequence[Example]) -> Score:
    """Score the model as it is now, once. Raises ImageError for missing pictures."""
    return Judge(vlm, examples).score()


def _mean_logprobs(logits: torch.Tensor, labels: torch.Tensor) -> list[float]:
    """The mean log-probability of each row's labels, in nats a token."""
    answered = labels != IGNORED
    targets = labels.masked_fill(~answered, 0).unsqueeze(-1)
    logprobs = logits.float().log_softmax(dim=-1).gather(-1, targets).squeeze(-1) * answered
    means: list[float] = (logprobs.sum(dim=1) / answered.sum(dim=1).clamp(min=1)).tolist()
    return means
