"""The rows of `bench learning`: every method by tag, what one gains over another, what learning costs.

A question that was asked with several seeds counts once, with the mean of what came of them; intervals are
over rooms.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.recording.summary import ALL
from bench.learning.methods import CE, ORDER, REPLAYED, ROOMWISE
from bench.measure.intervals import bootstrap_mean, bootstrap_ratio, paired_difference
from bench.measure.report import Row, measured
from core.scoring import anls, exact_match, nls

METRICS: dict[str, Callable[[str, str], float]] = {
    "exact": exact_match,
    "nls": nls,
    "anls": lambda said, reference: anls(said, [reference]),
}
AGAINST = ("untouched", "memory", CE)
_RULES = {"in use": "in use", "always": "off"}


@dataclass(frozen=True)
class Outcome:
    """One question after a warm-up, asked with one seed: what is known, and what each method said."""

    room: str
    turn: int
    tag: str
    reference: str
    answers: Mapping[str, str]
    seed: int = 0


@dataclass(frozen=True)
class TagScores:
    """Of each question its room, its tag, and by metric and method a value in [0, 1]: [questions]."""

    rooms: Sequence[str]
    tags: NDArray[np.str_]
    values: Mapping[str, Mapping[str, NDArray[np.float64]]]

    def of(self, tag: str) -> "TagScores":
        """Those of one tag, or `ALL`."""
        chosen = np.array([tag in (ALL, label) for label in self.tags])
        return TagScores(
            [room for room, keep in zip(self.rooms, chosen, strict=True) if keep],
            self.tags[chosen],
            {
                metric: {name: values[chosen] for name, values in by_method.items()}
                for metric, by_method in self.values.items()
            },
        )


def scored(outcomes: Sequence[Outcome]) -> TagScores:
    """Means over seeds, of the methods that answered every question."""
    by_question: dict[tuple[str, int], list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_question[outcome.room, outcome.turn].append(outcome)
    methods = [name for name in ORDER if outcomes and all(name in outcome.answers for outcome in outcomes)]
    values = {
        metric: {
            name: np.array([
                np.mean([score(outcome.answers[name], outcome.reference) for outcome in repeats])
                for repeats in by_question.values()
            ])
            for name in methods
        }
        for metric, score in METRICS.items()
    }
    tags = np.array([repeats[0].tag for repeats in by_question.values()], dtype=np.str_)
    return TagScores([room for room, _ in by_question], tags, values)


def rows(outcomes: Sequence[Outcome], seed: int, **about: Any) -> Iterator[Row]:
    """Every method by tag and metric, then what is gained by tag, then how much of the gap is closed."""
    scores = scored(outcomes)
    tags = [ALL, *sorted(set(scores.tags.tolist()) - {ALL})] if scores.rooms else []
    for tag in tags:
        yield from _shares(scores.of(tag), tag, seed, about)
    for tag in tags:
        yield from _gains(scores.of(tag), tag, seed, about)
    yield from _gap(scores, seed, about)


def rows_beside(outcomes: Sequence[Outcome], tag: str, seed: int, **about: Any) -> Iterator[Row]:
    """The same for questions that are no part of a visit, under a tag of their own: shares and gains."""
    if outcomes:
        scores = scored(outcomes)
        yield from _shares(scores, tag, seed, about)
        yield from _gains(scores, tag, seed, about)


def _shares(scores: TagScores, tag: str, seed: int, about: Mapping[str, Any]) -> Iterator[Row]:
    for metric, by_method in scores.values.items():
        for name, values in by_method.items():
            interval = bootstrap_mean(values, scores.rooms, seed=seed)
            yield measured(interval, method=name, tag=tag, half="after", metric=metric, **about)


def _gains(scores: TagScores, tag: str, seed: int, about: Mapping[str, Any]) -> Iterator[Row]:
    """What the methods that learn gain on the same questions: ours by tag, the others over all."""
    exact = scores.values["exact"]
    learning = [name for name in exact if name not in REPLAYED] if tag == ALL else []
    for name in [ROOMWISE, *learning]:
        for other in AGAINST:
            if name in exact and other in exact and name != other:
                yield measured(
                    paired_difference(exact[name], exact[other], scores.rooms, seed=seed),
                    method=name, against=other, tag=tag, half="after", metric="exact difference", **about,
                )  # fmt: skip


def _gap(scores: TagScores, seed: int, about: Mapping[str, Any]) -> Iterator[Row]:
    """The share of the way from the untouched student to the expert."""
    exact = scores.values["exact"]
    if all(name in exact for name in (ROOMWISE, "untouched", "expert")):
        gained, whole = exact[ROOMWISE] - exact["untouched"], exact["expert"] - exact["untouched"]
        interval = bootstrap_ratio(gained, whole, scores.rooms, seed=seed)
        yield measured(interval, method=ROOMWISE, tag=ALL, half="after", metric="gap closed", **about)


def costs(adaptations: Sequence[Mapping[str, Any]], seed: int) -> Iterator[Row]:
    """What adapting took and what it left of the student's old answers, as means over jobs."""
    names = {"job_s": "seconds", "promoted": "promoted", "probe answers kept": "kept"}
    for metric, name in names.items():
        if adaptations:
            interval = bootstrap_mean([float(adaptation[name]) for adaptation in adaptations], seed=seed)
            yield measured(interval, method=ROOMWISE, metric=metric)


def forgetting(
    method: str, rooms: Sequence[str], counts: Sequence[Mapping[str, Any]], seed: int
) -> Iterator[Row]:
    """What a method's adapter costs elsewhere, a value a room and seed, of what `Forgetting.count` counted.

    `forgetting` is the share of other rooms' questions answered right before, less the share after: 0.005 is
    half a point. `probe changed` is the share of the probe set that is answered otherwise.
    """
    for rule, scope in _RULES.items():
        values: dict[str, list[tuple[str, float]]] = {"forgetting": [], "probe changed": []}
        for room, count in zip(rooms, counts, strict=True):
            if rule in count and count["n"]:
                values["forgetting"].append((room, (count["before"] - count[rule]["right"]) / count["n"]))
            if rule in count and count["probes"]:
                values["probe changed"].append((room, count[rule]["changed"] / count["probes"]))
        for metric, pairs in values.items():
            if pairs:
                groups, shares = zip(*pairs, strict=True)
                yield measured(
                    bootstrap_mean(shares, groups, seed=seed), method=method, scope=scope, metric=metric
                )
