"""What is known about a student's answer before anybody says whether it is right."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.scoring import exact_match
from core.types import Answer
from memory.recall import Hit, content_words

FEATURES = ("mean", "least", "length", "asked", "voted", "agreeing", "differing")
"""The names of `Evidence.features`, in order."""

_FLOOR = -8.0  # nats; the lowest log-probability that is told apart
_NEARER_VIEW = 0.1
"""View likeness that makes a pair with the same question count e times as much."""
_NEARER = 0.05
"""Likeness of question and view together that makes any pair count e times as much."""
_QUESTION = 0.7
"""The question's weight in that likeness."""
_SMOOTHING = 0.02


@dataclass(frozen=True)
class Evidence:
    """One answer to one question. `mean`, `least`: its tokens' log-probabilities in nats, at most 0.
    `length`: number of tokens. `asked` in [-1, 1]: among pairs with the same question, weighted by view, the
    share with the same answer less the share with another; 0 for none. `voted` in [0, 1]: the share of the
    room's pairs with the same answer, weighted by likeness. `agreeing`, `differing` in [0, 1]: likeness of
    the nearest question with the same answer, and with another; 0 for none.
    """

    mean: float
    least: float
    length: int
    asked: float
    voted: float
    agreeing: float
    differing: float

    @property
    def confidence(self) -> float:
        """The geometric mean of the tokens' probabilities, in (0, 1]."""
        return math.exp(self.mean)

    def features(self) -> NDArray[np.float64]:
        """Finite numbers [len(FEATURES)] for a linear model."""
        odds = (self.voted + _SMOOTHING) / (1 - self.voted + _SMOOTHING)
        return np.array([
            max(self.mean, _FLOOR), max(self.least, _FLOOR), math.log1p(self.length),
            self.asked, math.log(odds), self.agreeing, self.differing,
        ], np.float64)  # fmt: skip


def evidence_of(question: str, answer: Answer, hits: Sequence[Hit]) -> Evidence:
    """The evidence for the student's answer; `hits` are all pairs of the room."""
    same = np.array([exact_match(answer.text, hit.pair.answer) for hit in hits], bool)
    words = content_words(question)
    logprobs = answer.token_logprobs or (_FLOOR,)
    likeness = np.array([
        _QUESTION * (hit.question or 0.0) + (1 - _QUESTION) * (hit.view or 0.0) for hit in hits
    ])
    return Evidence(
        mean=sum(logprobs) / len(logprobs),
        least=min(logprobs),
        length=len(answer.token_logprobs),
        asked=_same_question_vote([content_words(hit.pair.question) == words for hit in hits], hits, same),
        voted=_share(likeness, same, _NEARER, default=0.5),
        agreeing=_nearest([hit for hit, agrees in zip(hits, same, strict=True) if agrees]),
        differing=_nearest([hit for hit, agrees in zip(hits, same, strict=True) if not agrees]),
    )


def _same_question_vote(asks: Sequence[bool], hits: Sequence[Hit], same: NDArray[np.bool_]) -> float:
    chosen = [place for place, asking in enumerate(asks) if asking]
    views = np.array([hits[place].view or 0.0 for place in chosen])
    return 2 * _share(views, same[chosen], _NEARER_VIEW, default=0.5) - 1


def _share(likeness: NDArray[np.float64], same: NDArray[np.bool_], nearer: float, default: float) -> float:
    """The share of votes, weighted by exp(likeness / nearer), with the same answer."""
    if not len(likeness):
        return default
    weights = np.exp((likeness - likeness.max()) / nearer)
    return float(weights[same].sum() / weights.sum())


def _nearest(hits: Sequence[Hit]) -> float:
    return max((max(0.0, hit.question) for hit in hits if hit.question is not None), default=0.0)
