"""What every method scored: question by question, means over seeds, intervals over rooms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.learning.rows import METRICS
from bench.measure.intervals import Interval, bootstrap_mean, paired_difference
from bench.measure.report import Row, measured
from bench.studies.few_shot import fits
from bench.studies.few_shot.methods import Entry
from bench.studies.few_shot.room_work import MethodResult, read_result
from bench.studies.few_shot.rooms import StudyPlan, StudyRoom, expert_room
from core.scoring import exact_match

ALL = "all"
EXPERT = "expert"
AGREEMENT = "agreement"
"""Exact match with what the expert said; the other metrics are against the truth."""

Values = NDArray[np.float64]


@dataclass(frozen=True)
class MethodScores:
    """`values` [n] by method and metric, means over seeds, of the same n questions; `rooms`, `tags` of each.

    `spread` is the standard deviation between seeds of a method's exact match; `norms` [rooms] are the
    lengths of terms' gradients by method and term, means over seeds; `seconds` of the processor that a
    result took.
    """

    rooms: Sequence[str]
    tags: Sequence[str]
    values: Mapping[tuple[str, str], Values]
    spread: Mapping[str, float]
    norms: Mapping[tuple[str, str], Values]
    seconds: Mapping[str, float]
    seed: int

    def interval(self, method: str, metric: str, tag: str = ALL) -> Interval:
        """A method's mean."""
        chosen = self._where(tag)
        return bootstrap_mean(self.values[method, metric][chosen], self._groups(chosen), seed=self.seed)

    def difference(self, first: str, second: str, metric: str, tag: str = ALL) -> Interval:
        """What the first is above the second on the same questions."""
        chosen = self._where(tag)
        ours, theirs = (self.values[method, metric][chosen] for method in (first, second))
        return paired_difference(ours, theirs, self._groups(chosen), seed=self.seed)

    def has(self, *methods: str) -> bool:
        """Whether all of these were measured."""
        return all((method, "exact") in self.values for method in methods)

    def _where(self, tag: str) -> NDArray[np.int64]:
        return np.array(
            [place for place, label in enumerate(self.tags) if tag in (ALL, label)], dtype=np.int64
        )

    def _groups(self, chosen: NDArray[np.int64]) -> list[str]:
        return [self.rooms[place] for place in chosen]


def collect_scores(
    plan: StudyPlan, entries: Sequence[Entry], rooms: int, seeds: int, seed: int = 0
) -> MethodScores:
    """The scores of a study that was carried out."""
    study_rooms = [expert_room(plan, plan.split, index) for index in range(rooms)]
    values: dict[tuple[str, str], Values] = {}
    spread: dict[str, float] = {}
    norms: dict[tuple[str, str], Values] = {}
    seconds: dict[str, float] = {}
    for entry in entries:
        results = [
            [_read_result(plan, entry, index, result) for result in range(seeds)] for index in range(rooms)
        ]
        for metric in (*METRICS, AGREEMENT):
            by_seed = _score_all(study_rooms, results, metric)
            values[entry.name, metric] = by_seed.mean(axis=0)
            if metric == "exact":
                spread[entry.name] = float(by_seed.mean(axis=1).std())
        seconds[entry.name] = float(np.mean([result.seconds for room in results for result in room]))
        for term in dict.fromkeys(term for room in results for result in room for term in result.norms):
            every = [[result.norms.get(term, 0.0) for result in room] for room in results]
            norms[entry.name, term] = np.array(every).mean(axis=1)
    expert_answers = [
        [MethodResult(tuple(room.answers[place] for place in room.later))] for room in study_rooms
    ]
    for metric in METRICS:
        values[EXPERT, metric] = _score_all(study_rooms, expert_answers, metric)[0]
    places = [(room.name, room.turns[place].tag or ALL) for room in study_rooms for place in room.later]
    return MethodScores(
        [room for room, _ in places], [tag for _, tag in places], values, spread, norms, seconds, seed
    )


def rows(scores: MethodScores, entries: Sequence[Entry], reference: str) -> list[Row]:
    """Every method by metric, exact match also by tag, and what it is above the reference."""
    result: list[Row] = []
    names = [*(entry.name for entry in entries), EXPERT]
    tags = sorted(set(scores.tags) - {ALL})
    for name in names:
        about: Row = {"method": name, "half": "after"}
        for metric in (*METRICS, AGREEMENT):
            if (name, metric) in scores.values:
                result.append(measured(scores.interval(name, metric), **about, tag=ALL, metric=metric))
        for tag in tags:
            result.append(measured(scores.interval(name, "exact", tag), **about, tag=tag, metric="exact"))
        for metric in ("exact", "nls") if name != reference else ():
            interval = scores.difference(name, reference, metric)
            result.append(
                measured(interval, **about, against=reference, tag=ALL, metric=f"{metric} difference")
            )
    for name, spread in scores.spread.items():
        result.append({"method": name, "metric": "exact between seeds", "mean": spread})
        result.append({"method": name, "metric": "processor_s", "mean": scores.seconds[name]})
    for (name, term), lengths in scores.norms.items():
        interval = bootstrap_mean(lengths, seed=scores.seed)
        result.append(measured(interval, method=name, term=term, metric="gradient norm"))
    return result


def fit_rows(plan: StudyPlan, entries: Sequence[Entry], seeds: int, seed: int = 0) -> list[Row]:
    """How much of maps of pictures that were held out the autoencoders bring back: R², means over seeds."""
    result = []
    for name in dict.fromkeys(name for entry in entries for name in entry.fits.values()):
        fits_by_seed = [fits.load_fit(fits.fit_path(plan, name, fit)) for fit in range(seeds)]
        for who, parts in (("expert", [fit.teacher_r2 for fit in fits_by_seed]),
                           ("student", [fit.student_r2 for fit in fits_by_seed])):  # fmt: skip
            interval = bootstrap_mean([float(part.mean()) for part in parts], seed=seed)
            result.append(measured(interval, method=f"autoencoders {name}", model=who, metric="r2"))
    return result


def _read_result(plan: StudyPlan, entry: Entry, index: int, seed: int) -> MethodResult:
    result = read_result(plan, entry, index, seed)
    assert result is not None, (entry.name, index, seed)  # it was just made
    return result


def _score_all(rooms: Sequence[StudyRoom], results: Sequence[Sequence[MethodResult]], metric: str) -> Values:
    """[seeds, n]: each seed's scores of all later questions, room by room."""
    seeds = range(len(results[0]))
    return np.array([
        [_score(room, place, text, metric)
         for room, every in zip(rooms, results, strict=True)
         for place, text in zip(room.later, every[seed].said, strict=True)]
        for seed in seeds
    ], dtype=np.float64)  # fmt: skip


def _score(room: StudyRoom, place: int, text: str, metric: str) -> float:
    if metric == AGREEMENT:
        return float(exact_match(text, room.answers[place]))
    return float(METRICS[metric](text, room.turns[place].answer))
