"""A picture of two plots: how far probabilities can be believed, and what agreement costs in answers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.measure.charts import BLUE, GREY, INK, ORANGE, chart
from bench.takeover.reliability import expected_calibration_error, reliability
from bench.takeover.rows import CALIBRATED, RAW, REQUESTED, TakeOverScores

_COLOURS = {RAW: ORANGE, CALIBRATED: BLUE}
_FULL = 0.93  # words at points further right stand to the left of them


def draw(measured: TakeOverScores, path: Path) -> None:
    """Both plots beside each other: raw confidence and calibrated probability. Raises StorageError."""
    with chart(path, "How far the student's own probability can be believed", 10, 5) as figure:
        for axes, plot in zip(figure.subplots(1, 2), (_reliability, _coverage), strict=True):
            plot(axes, measured)
            axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
            axes.xaxis.set_major_formatter("{x:.0%}")
            axes.yaxis.set_major_formatter("{x:.0%}")
            axes.legend(loc="lower right" if plot is _reliability else "lower left")


def coverage_curve(probabilities: Sequence[float], agreed: Sequence[bool]) -> list[tuple[float, float]]:
    """Share of answers that stand, and share of those that agree, as the surest, then the next stand too.

    Answers of one probability come together: nothing parts them.
    """
    said, same = np.array(probabilities, np.float64), np.array(agreed, np.float64)
    order = np.argsort(-said, kind="stable")
    counts = np.arange(1, len(said) + 1)
    shares = np.cumsum(same[order]) / counts
    last = np.append(np.diff(said[order]) != 0, True)
    return list(zip((counts / len(said))[last].tolist(), shares[last].tolist(), strict=True))


def _reliability(axes: Any, measured: TakeOverScores) -> None:
    axes.set_title("How often the expert agrees, by the probability that was said")
    axes.set(xlabel="probability said", ylabel="share that agrees")
    axes.plot((0, 1), (0, 1), color=GREY, linewidth=1)
    for method, colour in _COLOURS.items():
        probabilities = measured.probabilities(method)
        bins = reliability(probabilities, measured.agreed)
        error = expected_calibration_error(probabilities, measured.agreed)
        said, found = [one.said for one in bins], [one.found for one in bins]
        axes.plot(said, found, color=colour, label=f"{method}: error {error:.3f}")
        sizes = [(6 + 24 * (one.n / len(probabilities)) ** 0.5) ** 2 / 4 for one in bins]
        axes.scatter(said, found, sizes, colour, zorder=3)


def _coverage(axes: Any, measured: TakeOverScores) -> None:
    axes.set_title("How often answers that stand agree")
    axes.set(xlabel="share of the student's answers that stand", ylabel="share of them that agrees")
    for method, colour in _COLOURS.items():
        curve = coverage_curve(measured.probabilities(method), measured.agreed)
        axes.plot(*zip(*curve, strict=True), color=colour, label=method)
    for number, (point, rates) in enumerate(requested_points(measured).items()):
        axes.plot((point[0], point[0]), (rates[0], point[1]), color=GREY, linewidth=1)
        told = {} if number else {"label": "at the rate requested; a line leads to it"}
        axes.plot(*point, "o", color=BLUE, markeredgecolor="white", markersize=8, **told)
        shift, side = (-8, "right") if point[0] > _FULL else (8, "left")
        axes.annotate(", ".join(f"{rate:.0%}" for rate in rates), point, (shift, 5),
                      textcoords="offset points", ha=side, color=INK)  # fmt: skip


def requested_points(measured: TakeOverScores) -> dict[tuple[float, float], list[float]]:
    """Where sessions are at each requested rate: share of answers that stand and of those that agree."""
    agreed = np.array(measured.agreed)
    found: dict[tuple[float, float], list[float]] = {}
    for wanted in REQUESTED:
        stood = np.array(measured.stood(CALIBRATED, wanted))
        if stood.any():
            found.setdefault((float(stood.mean()), float(agreed[stood].mean())), []).append(wanted)
    return found
