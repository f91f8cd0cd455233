"""Pairs vote for their answers; how much each vote weighs is learnt from rooms where the answer is known.

Attention over what is remembered, as in Matching Networks (Vinyals et al. 2016, arXiv 1606.04080, section
2.1): p(a | q) = sum of softmax_j(g(f(q, j))) over the pairs j whose answer is a. Here g is a linear
function plus a small hidden layer of features f, so it needs a few hundred answers, not millions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from core.errors import StorageError
from core.files import atomic_write_bytes, storage_errors
from memory.bearing import FEATURES, Features
from memory.table import Numbers

Floats = NDArray[np.float64]
_HIDDEN, _VOTERS = 16, 4
STEPS = 600
_RATE, _DECAY = 0.01, 0.02
_FLOOR = 1e-3
"""What an answer has that nobody votes for, so that no single question pulls without end."""


@dataclass(frozen=True)
class Ballot:
    """One question: features float32 [pairs, features], the pairs' answers int64 [pairs], the right one."""

    features: Features
    answers: Numbers
    right: int = -1


@dataclass(frozen=True)
class Votes:
    """Weights, arrays by name: `mean` and `spread` [features], and of several voters, the first axis,
    `linear` [v, features], `hidden` [v, features, h], `offset` [v, h], `out` [v, h].
    """

    arrays: dict[str, Floats]

    def shares(self, ballot: Ballot, count: int) -> Floats:
        """The probability of each of `count` answers, float64 [count], sum 1: the mean of the voters."""
        every = []
        for voter in range(len(self.arrays["linear"])):
            own = {name: self.arrays[name][voter] for name in _LEARNT}
            every.append(_shares(_softmax(_forward(own, self._scaled(ballot))[0]), ballot.answers, count))
        return np.asarray(np.mean(every, axis=0))

    def _scaled(self, ballot: Ballot) -> Floats:
        return np.asarray((ballot.features - self.arrays["mean"]) / self.arrays["spread"])


_LEARNT = ("linear", "hidden", "offset", "out")


def fit(draw: Callable[[int], Sequence[Ballot]], seed: int, steps: int = STEPS) -> Votes:
    """Learn from ballots that `draw(step)` gives, eight or so a step; seeded, so the same each time.

    Minimises -log(p(right) + 0.001) by AdamW (Loshchilov and Hutter 2019) with a linearly falling rate.
    Raises ValueError when the first draw is empty.
    """
    first = draw(0)
    if not first:
        raise ValueError("there is nothing to learn from")
    sample = np.concatenate([ballot.features for ballot in first])
    scale = {"mean": sample.mean(axis=0), "spread": sample.std(axis=0) + 1e-3}
    votes = Votes({name: array.astype(np.float64) for name, array in scale.items()} | _start(seed))
    moments = {name: np.zeros((2, *votes.arrays[name].shape)) for name in _LEARNT}
    for step in range(1, steps + 1):
        gradient = _gradient(votes, draw(step))
        rate = _RATE * min(1.0, 10 * step / steps) * (1 - (step - 1) / steps)
        for name in _LEARNT:
            _step(votes.arrays[name], gradient[name], moments[name], rate, step)
    return votes


def write_votes(path: Path, votes: Votes) -> None:
    """Keep them as safetensors. Raises StorageError."""
    atomic_write_bytes(path, save(votes.arrays, metadata={"features": " ".join(FEATURES)}))


def read_votes(path: Path) -> Votes | None:
    """As they were kept; None when there are none, or of other features. Raises StorageError if damaged."""
    if not path.is_file():
        return None
    with storage_errors("read", path):
        data = path.read_bytes()
    try:
        arrays = load(data)
    except SafetensorError as error:
        raise StorageError(f"{path} is damaged ({error}). Delete it; it is learnt again.") from error
    fits = set(arrays) == {"mean", "spread", *_LEARNT} and len(arrays["mean"]) == len(FEATURES)
    return Votes(arrays) if fits else None


def _start(seed: int) -> dict[str, Floats]:
    random, features = np.random.default_rng(seed), len(FEATURES)
    return {
        "linear": np.zeros((_VOTERS, features)),
        "hidden": random.normal(0, features**-0.5, (_VOTERS, features, _HIDDEN)),
        "offset": random.normal(0, 0.1, (_VOTERS, _HIDDEN)),
        "out": np.zeros((_VOTERS, _HIDDEN)),
    }


def _forward(own: dict[str, Floats], scaled: Floats) -> tuple[Floats, Floats]:
    hidden = np.tanh(scaled @ own["hidden"] + own["offset"])
    return scaled @ own["linear"] + hidden @ own["out"], hidden


def _softmax(scores: Floats) -> Floats:
    raised = np.exp(scores - scores.max())
    return np.asarray(raised / raised.sum())


def _shares(weights: Floats, answers: Numbers, count: int) -> Floats:
    return np.asarray(np.bincount(answers, weights, count), np.float64)


def _gradient(votes: Votes, ballots: Sequence[Ballot]) -> dict[str, Floats]:
    """The mean loss's, by hand: with w = softmax(s) and P = the right pairs' share, dL/ds_j =
    -w_j ([j is right] - P) / (P + floor).
    """
    total = {name: np.zeros_like(votes.arrays[name]) for name in _LEARNT}
    for ballot in ballots:
        scaled = votes._scaled(ballot)
        right = ballot.answers == ballot.right
        for voter in range(_VOTERS):
            own = {name: votes.arrays[name][voter] for name in _LEARNT}
            scores, hidden = _forward(own, scaled)
            weights = _softmax(scores)
            share = weights[right].sum()
            pull = -weights * (right - share) / (share + _FLOOR) / len(ballots)
            inner = np.outer(pull, own["out"]) * (1 - hidden**2)
            total["linear"][voter] += scaled.T @ pull
            total["out"][voter] += hidden.T @ pull
            total["hidden"][voter] += scaled.T @ inner
            total["offset"][voter] += inner.sum(axis=0)
    return total


def _step(array: Floats, gradient: Floats, moments: Floats, rate: float, step: int) -> None:
    """AdamW in place; `moments` [2, ...] are the running mean and mean square of the gradient."""
    moments[0] += 0.1 * (gradient - moments[0])
    moments[1] += 0.001 * (gradient**2 - moments[1])
    mean, square = moments[0] / (1 - 0.9**step), moments[1] / (1 - 0.999**step)
    array -= rate * (mean / (np.sqrt(square) + 1e-8) + _DECAY * array)
