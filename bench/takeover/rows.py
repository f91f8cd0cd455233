"""What would have stood at each requested rate, and how far probabilities can be believed."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.takeover.calibration import Calibration, sigmoid
from bench.measure.intervals import DRAWS, Interval, bootstrap_mean, drawn_interval
from bench.measure.report import Row, measured
from bench.takeover.calibrating import stands
from bench.takeover.reliability import BINS, bin_of, expected_calibration_error
from bench.takeover.visits import StudentAnswer, Visited

REQUESTED = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
RAW, CALIBRATED, IN_USE = "raw", "calibrated", "in use"


@dataclass(frozen=True)
class TakeOverScores:
    """Rooms, and for each of their answers the calibrated logit, in the order asked, room after room."""

    rooms: Sequence[Visited]
    logits: Sequence[float]
    calibration: Calibration

    @property
    def said(self) -> list[StudentAnswer]:
        """All answers."""
        return [said for room in self.rooms for said in room.said]

    @property
    def groups(self) -> list[int]:
        """The number of each answer's room; two may have one name."""
        return [number for number, room in enumerate(self.rooms) for _ in room.said]

    @property
    def agreed(self) -> list[bool]:
        """Whether the expert says the same, answer by answer."""
        return [said.agrees for said in self.said]

    def probabilities(self, method: str) -> list[float]:
        """Of each answer: the model's own confidence, or what the calibration makes of its evidence alone."""
        if method == RAW:
            return [said.evidence.confidence for said in self.said]
        return [sigmoid(logit) for logit in self.logits]

    def stood(self, method: str, wanted: float) -> list[bool]:
        """Which answers would stand at a requested rate.

        Raw confidence is taken at its word. A calibrated session goes on as the loop does: each answer
        that does not stand is audited, which moves those after it in the room. That the expert's answer would
        be learnt as well is left out here.
        """
        if method == RAW:
            return [probability >= wanted for probability in self.probabilities(RAW)]
        threshold, found, first = self.calibration.threshold(wanted), [], 0
        for room in self.rooms:
            logits = self.logits[first : first + len(room.said)]
            agreed = [said.agrees for said in room.said]
            found += stands(logits, agreed, self.calibration.spread, threshold)
            first += len(room.said)
        return found


def all_rows(measured_rooms: TakeOverScores, seed: int) -> Iterator[Row]:
    """How often answers that stand agree, by requested rate; then the calibration errors."""
    for method in (CALIBRATED, RAW):
        for wanted in REQUESTED:
            stood = measured_rooms.stood(method, wanted)
            yield from _standing(measured_rooms.rooms, stood, seed, method, wanted)
    for method in (RAW, CALIBRATED):
        interval = calibration_error(
            measured_rooms.probabilities(method), measured_rooms.agreed, measured_rooms.groups, seed
        )
        yield measured(interval, method=method, metric="ece")
    extra = [room.extra for room in measured_rooms.rooms]
    yield measured(bootstrap_mean(extra, seed=seed), method=CALIBRATED, metric="agent's own calls")


def in_use(rooms: Sequence[Visited], wanted: float, seed: int) -> Iterator[Row]:
    """The same of sessions in which the router decided."""
    return _standing(rooms, [said.stood for room in rooms for said in room.said], seed, IN_USE, wanted)


def calibration_error(
    probabilities: Sequence[float], agreed: Sequence[bool], groups: Sequence[int], seed: int
) -> Interval:
    """The expected calibration error with an interval over groups, numbered from 0."""
    value = expected_calibration_error(probabilities, agreed)
    said, right = np.array(probabilities, np.float64), np.array(agreed, np.float64)
    count = max(groups) + 1
    if count < 2:
        return Interval(value, float("nan"), float("nan"), len(said))
    # Of each bin, how far all its outcomes are from what was said, by group: [groups, bins].
    apart: NDArray[np.float64] = np.zeros((count, BINS))
    np.add.at(apart, (np.array(groups), bin_of(said, BINS)), said - right)
    sizes = np.bincount(np.array(groups), minlength=count)
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=DRAWS)
    return drawn_interval(value, np.abs(drawn @ apart).sum(axis=1) / (drawn @ sizes), len(said))


def _standing(
    rooms: Sequence[Visited], stood: Sequence[bool], seed: int, method: str, wanted: float
) -> Iterator[Row]:
    said = [one for room in rooms for one in room.said]
    groups = [number for number, room in enumerate(rooms) for _ in room.said]

    def row(
        metric: str, value: Callable[[StudentAnswer, bool], float], among: Sequence[bool]
    ) -> Iterator[Row]:
        kept = [number for number, one in enumerate(among) if one]
        if kept:
            values = [value(said[number], stood[number]) for number in kept]
            interval = bootstrap_mean(values, [groups[number] for number in kept], seed=seed)
            yield measured(interval, method=method, requested=wanted, metric=metric)

    every = [True] * len(said)
    yield from row("agreement", lambda one, _: one.agrees, stood)
    yield from row("exact", lambda one, _: one.right, stood)
    yield from row("stands", lambda _, stands: stands, every)
    yield from row("exact of all", lambda one, stands: one.right if stands else one.expert_right, every)
    calls = [_calls(room, number, stood, groups) for number, room in enumerate(rooms)]
    yield measured(bootstrap_mean(calls, seed=seed), method=method, requested=wanted, metric="expert calls")


def _calls(room: Visited, number: int, stood: Sequence[bool], groups: Sequence[int]) -> int:
    """Questions that the expert answers in a session when these answers stand."""
    asked_then = sum(not said.stood for said in room.said)
    asked_now = sum(not one for one, group in zip(stood, groups, strict=True) if group == number)
    return room.calls - asked_then + asked_now
