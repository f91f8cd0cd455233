"""A picture of two plots: how far probabilities can be believed, and what agreement costs in answers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.measure.charts import BLUE, GREY, INK, ORANGE, chart
from bench.takeover.rows import (
    CALIBRATED,
    RAW,
    REQUESTED,
    TakeOverScores,
    expected_calibration_error,
    reliability,
)

_COLOURS = {RAW: ORANGE, CALIBRATED: BLUE}
_FULL = 0.93  # words at points further right stand to the left of them


def draw(scores: TakeOverScores, path: Path) -> None:
    """Both plots beside each other: raw confidence and calibrated probability. Raises StorageError."""
    with chart(path, "How far the student's own probability can be believed", 10, 5) as figure:
        for axes, plot in zip(figure.subplots(1, 2), (_reliability, _coverage), strict=True):
            plot(axes, scores)
            axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
            axes.xaxis.set_major_formatter("{x:.0%}")
            axes.yaxis.set_major_formatter("{x:.0%}")
            axes.legend(loc="lower right" if plot is _reliability else "lower left")


def coverage_curve(probabilities: Sequence[float], agreed: Sequence[bool]) -> list[tuple[float, float]]:
    """Share of answers that stand, and share of those that agree, as the surest, then the next stand too.

    Answers of one probability come together: nothing parts them.
    """
    values, agreed_values = np.array(probabilities, np.float64), np.array(agreed, np.float64)
    order = np.argsort(-values, kind="stable")
    counts = np.arange(1, len(values) + 1)
    shares = np.cumsum(agreed_values[order]) / counts
    last = np.append(np.diff(values[order]) != 0, True)
    return list(zip((counts / len(values))[last].tolist(), shares[last].tolist(), strict=True))


def _reliability(axes: Any, scores: TakeOverScores) -> None:
    axes.set_title("How often the expert agrees, by the probability that was said")
    axes.set(xlabel="probability said", ylabel="share that agrees")
    axes.plot((0, 1), (0, 1), color=GREY, linewidth=1)
    for method, colour in _COLOURS.items():
        probabilities = scores.probabilities(method)
        bins = reliability(probabilities, scores.agreed)
        error = expected_calibration_error(probabilities, scores.agreed)
        predicted, observed = [each.predicted for each in bins], [each.observed for each in bins]
        axes.plot(predicted, observed, color=colour, label=f"{method}: error {error:.3f}")
        sizes = [(6 + 24 * (each.n / len(probabilities)) ** 0.5) ** 2 / 4 for each in bins]
        axes.scatter(predicted, observed, sizes, colour, zorder=3)


def _coverage(axes: Any, scores: TakeOverScores) -> None:
    axes.set_title("How often answers that stand agree")
    axes.set(xlabel="share of the student's answers that stand", ylabel="share of them that agrees")
    for method, colour in _COLOURS.items():
        curve = coverage_curve(scores.probabilities(method), scores.agreed)
        axes.plot(*zip(*curve, strict=True), color=colour, label=method)
    for number, (point, rates) in enumerate(requested_points(scores).items()):
        axes.plot((point[0], point[0]), (rates[0], point[1]), color=GREY, linewidth=1)
        label = {} if number else {"label": "at the rate requested; a line leads to it"}
        axes.plot(*point, "o", color=BLUE, markeredgecolor="white", markersize=8, **label)
        shift, side = (-8, "right") if point[0] > _FULL else (8, "left")
        axes.annotate(", ".join(f"{rate:.0%}" for rate in rates), point, (shift, 5),
                      textcoords="offset points", ha=side, color=INK)  # fmt: skip


def requested_points(scores: TakeOverScores) -> dict[tuple[float, float], list[float]]:
    """Where sessions are at each requested rate: share of answers that stand and of those that agree."""
    agreed = np.array(scores.agreed)
    points: dict[tuple[float, float], list[float]] = {}
    for rate in REQUESTED:
        stood = np.array(scores.stood(CALIBRATED, rate))
        if stood.any():
            points.setdefault((float(stood.mean()), float(agreed[stood].mean())), []).append(rate)
    return points
