"""Pairs vote for their answers, with weights learnt from rooms where the answer is known.

Attention over memory as in Matching Networks (Vinyals et al. 2016, arXiv 1606.04080, section 2.1):
p(a | q) = sum of softmax_j(g(f(q, j))) over the pairs j with answer a. g is a linear function plus a small
hidden layer of features f, so a few hundred answers suffice.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save
from torch import Tensor

from core.errors import StorageError
from core.files import atomic_write_bytes, storage_errors
from memory.bearing import FEATURES, Features
from memory.table import Numbers

Floats = NDArray[np.float64]
_HIDDEN, _VOTERS = 16, 4
STEPS = 600
_RATE, _DECAY = 0.01, 0.02
_LEARNT = ("linear", "hidden", "offset", "out")
_FLOOR = 1e-3
"""Added to probabilities, so that no single question dominates the loss."""


@dataclass(frozen=True)
class Ballot:
    """One question: features float32 [pairs, features], answers int64 [pairs], and the right answer."""

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
        arrays = {name: torch.from_numpy(array) for name, array in self.arrays.items()}
        weights = _weights(arrays, ballot).mean(dim=0).numpy()
        return np.asarray(np.bincount(ballot.answers, weights, count), np.float64)


def fit(draw: Callable[[int], Sequence[Ballot]], seed: int, steps: int = STEPS) -> Votes:
    """Learn from the ballots of `draw(step)`, eight or so a step. Deterministic.

    Minimises -log(p(right) + 0.001) by AdamW (Loshchilov and Hutter 2019) with a linearly falling rate.
    Raises ValueError when the first draw is empty.
    """
    first = draw(0)
    if not first:
        raise ValueError("there is nothing to learn from")
    sample = np.concatenate([ballot.features for ballot in first])
    scale = {"mean": sample.mean(axis=0), "spread": sample.std(axis=0) + 1e-3}
    start = {name: array.astype(np.float64) for name, array in (scale | _start(seed)).items()}
    arrays = {name: torch.from_numpy(array).requires_grad_(name in _LEARNT) for name, array in start.items()}
    optimizer = torch.optim.AdamW([arrays[name] for name in _LEARNT], lr=_RATE, weight_decay=_DECAY)
    rate = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda done: min(1.0, 10 * (done + 1) / steps) * (1 - done / steps)
    )
    for step in range(1, steps + 1):
        optimizer.zero_grad()
        _loss(arrays, draw(step)).backward()
        optimizer.step()
        rate.step()
    return Votes({name: array.detach().numpy() for name, array in arrays.items()})


def write_votes(path: Path, votes: Votes) -> None:
    """Write safetensors. Raises StorageError."""
    atomic_write_bytes(path, save(votes.arrays, metadata={"features": " ".join(FEATURES)}))


def read_votes(path: Path) -> Votes | None:
    """Read votes; None when there are none, or of other features. Raises StorageError if damaged."""
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


def _weights(arrays: Mapping[str, Tensor], ballot: Ballot) -> Tensor:
    """Attention of each voter to each pair, float64 [voters, pairs], rows sum to 1."""
    scaled = (torch.from_numpy(ballot.features) - arrays["mean"]) / arrays["spread"]
    hidden = torch.tanh(scaled @ arrays["hidden"] + arrays["offset"][:, None])
    scores = arrays["linear"] @ scaled.T + (hidden @ arrays["out"][:, :, None]).squeeze(-1)
    return scores.softmax(dim=-1)


def _loss(arrays: Mapping[str, Tensor], ballots: Sequence[Ballot]) -> Tensor:
    """The mean over ballots, summed over voters, which learn independently."""
    total = torch.zeros((), dtype=torch.float64)
    for ballot in ballots:
        right = torch.from_numpy(ballot.answers == ballot.right)
        total = total - (_weights(arrays, ballot)[:, right].sum(dim=1) + _FLOOR).log().sum()
    return total / len(ballots)
