"""What is known of a student's answer before anybody says whether it is right."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.scoring import exact_match
from core.types import Answer
from memory.recall import Hit, telling

FEATURES = (
    "mean", "least", "length", "agreeing", "differing", "common", "pair", "adapted", "taught", "polar",
)  # fmt: skip
"""What `Evidence.features` returns, in this order."""

_FLOOR = -8.0  # nats; a token less likely than this tells no more than one as unlikely


@dataclass(frozen=True)
class Evidence:
    """One answer to one question, nothing of it said to be true or false.

    `mean` and `least`: of its tokens' log-probabilities in nats, at most 0. `length`: how many tokens.
    `agreeing` and `differing`: how alike, in [0, 1], the nearest question of the room's memory is to which
    the answer was the same, and to which it was another; 0 for none. `common`: the share of pairs with the
    same answer. `pair`: the likeness of the nearest pair by question and view together. `adapted`: whether
    the adapter answered; `taught`: how many pairs of the room it was taught. `polar`: whether yes or no is
    wanted.
    """

    mean: float
    least: float
    length: int
    agreeing: float
    differing: float
    common: float
    pair: float
    adapted: bool
    taught: int
    polar: bool

    @property
    def confidence(self) -> float:
        """The model's own, in (0, 1]: the geometric mean of the tokens' probabilities."""
        return math.exp(self.mean)

    def features(self) -> NDArray[np.float64]:
        """Finite numbers [len(FEATURES)] for a linear model."""
        return np.array([
            max(self.mean, _FLOOR), max(self.least, _FLOOR), math.log1p(self.length),
            self.agreeing, self.differing, self.common, self.pair,
            self.adapted, math.log1p(self.taught), self.polar,
        ], np.float64)  # fmt: skip


def evidence_of(
    question: str, answer: Answer, hits: Sequence[Hit], taught: Collection[str], adapted: bool
) -> Evidence:
    """The evidence of the student's answer; `hits` are all pairs of the room, found by question and view.

    `taught` are the ids of pairs that the adapter has learnt. An answer without tokens is as unsure as can
    be.
    """
    same = [exact_match(answer.text, hit.pair.answer) for hit in hits]
    logprobs = answer.token_logprobs or (_FLOOR,)
    return Evidence(
        mean=sum(logprobs) / len(logprobs),
        least=min(logprobs),
        length=len(answer.token_logprobs),
        agreeing=_nearest([hit for hit, agrees in zip(hits, same, strict=True) if agrees]),
        differing=_nearest([hit for hit, agrees in zip(hits, same, strict=True) if not agrees]),
        common=sum(same) / len(same) if same else 0.0,
        pair=max((hit.score for hit in hits), default=0.0),
        adapted=adapted,
        taught=sum(hit.pair.id in taught for hit in hits),
        polar=telling(question)[0],
    )


def _nearest(hits: Sequence[Hit]) -> float:
    return max((max(0.0, hit.question) for hit in hits if hit.question is not None), default=0.0)
