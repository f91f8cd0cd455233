"""What would have stood at each requested rate, and how far probabilities can be believed.

Of all answers that are said to be right with 0.8, 80 % should be. Bins are equally wide, and the error is the
mean over answers of how far a bin's share is from its mean probability (Guo et al. 2017, On calibration of
modern neural networks, section 2).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.takeover.calibration import Calibration, sigmoid
from bench.measure.intervals import Interval, bootstrap_mean, draw_groups, drawn_interval, exactly
from bench.measure.report import Row, measured
from bench.takeover.calibrating import stands
from bench.takeover.visits import StudentAnswer, Visited

BINS = 10


@dataclass(frozen=True)
class Bin:
    """`n` answers, probabilities in [low, high) and `predicted` on average; a share `observed` is right."""

    low: float
    high: float
    predicted: float
    observed: float
    n: int


def reliability(probabilities: Sequence[float], right: Sequence[bool], bins: int = BINS) -> list[Bin]:
    """The bins that hold an answer, in order; the last one includes 1.

    Raises ValueError when the lengths differ, for a probability outside [0, 1], and for no bin.
    """
    predictions, outcomes = _check(probabilities, right)
    place = bin_of(predictions, bins)
    result = []
    for number in range(bins):
        members = place == number
        if members.any():
            predicted, observed = float(predictions[members].mean()), float(outcomes[members].mean())
            result.append(Bin(number / bins, (number + 1) / bins, predicted, observed, int(members.sum())))
    return result


def expected_calibration_error(
    probabilities: Sequence[float], right: Sequence[bool], bins: int = BINS
) -> float:
    """In [0, 1]; 0 when every bin keeps what it says, and for no answers. Raises as `reliability`."""
    gaps = [(each.n, abs(each.predicted - each.observed)) for each in reliability(probabilities, right, bins)]
    total = sum(n for n, _ in gaps)
    return sum(n * gap for n, gap in gaps) / total if total else 0.0


def bin_of(probabilities: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """The number of each probability's bin, from 0. Raises ValueError for no bin."""
    if bins < 1:
        raise ValueError(f"{bins} bins")
    return np.minimum((probabilities * bins).astype(np.int64), bins - 1)


def _check(
    probabilities: Sequence[float], right: Sequence[bool]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    predictions, outcomes = np.asarray(probabilities, np.float64), np.asarray(right, np.float64)
    if predictions.shape != outcomes.shape or predictions.ndim != 1:
        raise ValueError(f"{predictions.shape} probabilities but {outcomes.shape} outcomes")
    if not bool(((predictions >= 0) & (predictions <= 1)).all()):
        raise ValueError("a probability is outside [0, 1]")
    return predictions, outcomes


REQUESTED = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
RAW, CALIBRATED, IN_USE = "raw", "calibrated", "in use"


@dataclass(frozen=True)
class TakeOverScores:
    """Rooms, and for each of their answers the calibrated logit, in the order asked, room after room."""

    rooms: Sequence[Visited]
    logits: Sequence[float]
    calibration: Calibration

    @property
    def answers(self) -> list[StudentAnswer]:
        """All answers."""
        return [answer for room in self.rooms for answer in room.answers]

    @property
    def groups(self) -> list[int]:
        """The number of each answer's room; two may have one name."""
        return [number for number, room in enumerate(self.rooms) for _ in room.answers]

    @property
    def agreed(self) -> list[bool]:
        """Whether the expert says the same, answer by answer."""
        return [answer.agrees for answer in self.answers]

    def probabilities(self, method: str) -> list[float]:
        """Of each answer: the model's own confidence, or what the calibration makes of its evidence alone."""
        if method == RAW:
            return [answers.evidence.confidence for answers in self.answers]
        return [sigmoid(logit) for logit in self.logits]

    def stood(self, method: str, rate: float) -> list[bool]:
        """Which answers would stand at a requested rate.

        Raw confidence is taken at its word. A calibrated session goes on as the loop does: each answer
        that does not stand is audited, which moves those after it in the room. That the expert's answer would
        be learnt as well is left out here.
        """
        if method == RAW:
            return [probability >= rate for probability in self.probabilities(RAW)]
        threshold, standing, first = self.calibration.threshold(rate), [], 0
        for room in self.rooms:
            logits = self.logits[first : first + len(room.answers)]
            agreed = [answer.agrees for answer in room.answers]
            standing += stands(logits, agreed, self.calibration.spread, threshold)
            first += len(room.answers)
        return standing


def all_rows(scores: TakeOverScores, seed: int) -> Iterator[Row]:
    """How often answers that stand agree, by requested rate; then the calibration errors."""
    for method in (CALIBRATED, RAW):
        for rate in REQUESTED:
            stood = scores.stood(method, rate)
            yield from _standing(scores.rooms, stood, seed, method, rate)
    for method in (RAW, CALIBRATED):
        interval = calibration_error(scores.probabilities(method), scores.agreed, scores.groups, seed)
        yield measured(interval, method=method, metric="ece")
    extra = [room.extra for room in scores.rooms]
    yield measured(bootstrap_mean(extra, seed=seed), method=CALIBRATED, metric="agent's own calls")


def in_use_rows(rooms: Sequence[Visited], rate: float, seed: int) -> Iterator[Row]:
    """The same of sessions in which the router decided."""
    return _standing(rooms, [answer.stood for room in rooms for answer in room.answers], seed, IN_USE, rate)


def calibration_error(
    probabilities: Sequence[float], agreed: Sequence[bool], groups: Sequence[int], seed: int
) -> Interval:
    """The expected calibration error with an interval over groups, numbered from 0."""
    value = expected_calibration_error(probabilities, agreed)
    values, right = np.array(probabilities, np.float64), np.array(agreed, np.float64)
    count = max(groups) + 1
    if count < 2:
        return exactly(value, len(values))
    # Of each bin, how far all its outcomes are from what was said, by group: [groups, bins].
    errors: NDArray[np.float64] = np.zeros((count, BINS))
    np.add.at(errors, (np.array(groups), bin_of(values, BINS)), values - right)
    sizes = np.bincount(np.array(groups), minlength=count)
    drawn = draw_groups(count, seed)
    return drawn_interval(value, np.abs(drawn @ errors).sum(axis=1) / (drawn @ sizes), len(values))


def _standing(
    rooms: Sequence[Visited], stood: Sequence[bool], seed: int, method: str, rate: float
) -> Iterator[Row]:
    """What comes of it when these answers stand and the expert is asked for the others."""
    answers = [(number, answer) for number, room in enumerate(rooms) for answer in room.answers]
    pairs = [
        (number, answer, is_standing) for (number, answer), is_standing in zip(answers, stood, strict=True)
    ]
    standing = [(number, answer) for number, answer, is_standing in pairs if is_standing]
    values: dict[str, list[tuple[int, bool]]] = {
        "agreement": [(number, answer.agrees) for number, answer in standing],
        "exact": [(number, answer.right) for number, answer in standing],
        "stands": [(number, is_standing) for number, _, is_standing in pairs],
        "exact of all": [
            (number, answer.right if is_standing else answer.expert_right)
            for number, answer, is_standing in pairs
        ],
    }
    for metric, by_room in values.items():
        if by_room:
            groups, each = zip(*by_room, strict=True)
            interval = bootstrap_mean(each, groups, seed=seed)
            yield measured(interval, method=method, requested=rate, metric=metric)
    calls = [room.calls for room in rooms]
    for number, answer, is_standing in pairs:
        calls[number] += answer.stood - is_standing
    yield measured(bootstrap_mean(calls, seed=seed), method=method, requested=rate, metric="expert calls")
