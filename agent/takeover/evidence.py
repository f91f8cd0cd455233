"""What is known of a student's answer before anybody says whether it is right."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.scoring import exact_match
from core.types import Answer
from memory.recall import Hit, content_words

FEATURES = ("mean", "least", "length", "asked", "voted", "agreeing", "differing")
"""What `Evidence.features` returns, in this order."""

_FLOOR = -8.0  # nats; a token less likely than this tells no more than one as unlikely
_NEARER_VIEW = 0.1
"""By so much likeness of view a pair that asks the same counts e times as much."""
_NEARER = 0.05
"""By so much likeness of question and view together any pair does."""
_QUESTION = 0.7
"""Of that likeness the question's part: what is alike to see says little about the answer."""
_UNHEARD = 0.02


@dataclass(frozen=True)
class Evidence:
    """One answer to one question, nothing of it said to be true or false.

    `mean` and `least`: of its tokens' log-probabilities in nats, at most 0. `length`: how many tokens.
    `asked`, in [-1, 1]: of the pairs that ask the same, those of nearer views counting more, the share with
    the same answer less the share with another; 0 where nobody asked. `voted`, in [0, 1]: the share of the
    room's pairs with the same answer, those with a like question of a like view counting more. `agreeing` and
    `differing`: how alike, in [0, 1], the nearest question is to which the answer was the same, and to which
    it was another; 0 for none.
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
        """The model's own, in (0, 1]: the geometric mean of the tokens' probabilities."""
        return math.exp(self.mean)

    def features(self) -> NDArray[np.float64]:
        """Finite numbers [len(FEATURES)] for a linear model."""
        odds = (self.voted + _UNHEARD) / (1 - self.voted + _UNHEARD)
        return np.array([
            max(self.mean, _FLOOR), max(self.least, _FLOOR), math.log1p(self.length),
            self.asked, math.log(odds), self.agreeing, self.differing,
        ], np.float64)  # fmt: skip


def evidence_of(question: str, answer: Answer, hits: Sequence[Hit]) -> Evidence:
    """The evidence of the student's answer; `hits` are all pairs of the room, found by question and view.

    An answer without tokens is as unsure as can be.
    """
    same = np.array([exact_match(answer.text, hit.pair.answer) for hit in hits], bool)
    words = content_words(question)
    logprobs = answer.token_logprobs or (_FLOOR,)
    return Evidence(
        mean=sum(logprobs) / len(logprobs),
        least=min(logprobs),
        length=len(answer.token_logprobs),
        asked=_asked([content_words(hit.pair.question) == words for hit in hits], hits, same),
        voted=_share(np.array([_likeness(hit) for hit in hits]), same, _NEARER, nobody=0.5),
        agreeing=_nearest([hit for hit, agrees in zip(hits, same, strict=True) if agrees]),
        differing=_nearest([hit for hit, agrees in zip(hits, same, strict=True) if not agrees]),
    )


def _asked(asks: Sequence[bool], hits: Sequence[Hit], same: NDArray[np.bool_]) -> float:
    chosen = [place for place, asking in enumerate(asks) if asking]
    views = np.array([hits[place].view or 0.0 for place in chosen])
    return 2 * _share(views, same[chosen], _NEARER_VIEW, nobody=0.5) - 1


def _likeness(hit: Hit) -> float:
    return _QUESTION * (hit.question or 0.0) + (1 - _QUESTION) * (hit.view or 0.0)


def _share(likeness: NDArray[np.float64], same: NDArray[np.bool_], nearer: float, nobody: float) -> float:
    """Of votes that weigh exp(likeness / nearer) those with the same answer; `nobody` where there is none."""
    if not len(likeness):
        return nobody
    weights = np.exp((likeness - likeness.max()) / nearer)
    return float(weights[same].sum() / weights.sum())


def _nearest(hits: Sequence[Hit]) -> float:
    return max((max(0.0, hit.question) for hit in hits if hit.question is not None), default=0.0)
