"""Study 1 as a picture: how far each layer is from each, and how much nearer where the student is right."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bench.measure.charts import BLUE, GREY, INK, ORANGE, chart, dots
from bench.measure.intervals import Interval
from bench.studies.vlm.cells import CKA, JS, MAPS, PICTURE, SEEN, WORDS, Measure
from bench.studies.vlm.found import LayerFindings
from bench.studies.vlm.rows import LITERAL

_PARTS = ((SEEN, CKA), (PICTURE, CKA), (WORDS, CKA), (MAPS, JS))


def draw(path: Path, findings: LayerFindings, student: str, expert: str) -> None:
    """Above, layers against layers, the nearer the darker; below, effects with intervals over rooms."""
    parts = [(part, distance) for part, distance in _PARTS if min(findings.layers(part)) > 0]
    effects = _effects(findings)
    title = f"How far the layers of {student} (down) are from those of {expert} (across)"
    height = 1.4 + 0.45 * max((findings.layers(part)[0] for part, _ in parts), default=0)
    with chart(path, title, 10, height + 1.2 + 0.26 * len(effects)) as figure:
        above, below = figure.subfigures(2, 1, height_ratios=(height, 1.2 + 0.26 * len(effects)))
        if parts:
            panels = above.subplots(1, len(parts), squeeze=False)[0]
            for axes, (part, distance) in zip(panels, parts, strict=True):
                _matrix(axes, findings, part, distance)
        axes = below.subplots()
        axes.set_title("Distance on right answers less that on wrong ones; left of 0: nearer where right")
        axes.set_xlabel("standard deviations, with 95 % intervals over rooms")
        names = {f"{cell.part}, layer {cell.expert + 1}, {cell.distance}": cell for cell in effects}
        dots(
            axes,
            {name: effects[cell] for name, cell in names.items()},
            {name: BLUE if cell.distance == CKA else ORANGE for name, cell in names.items()},
        )
        axes.axvline(0, color=GREY, linestyle="--", linewidth=1)


def _matrix(axes: Any, findings: LayerFindings, part: str, distance: str) -> None:
    """Means over all questions; white where too few words were in every question."""
    shape = findings.layers(part)
    values = np.full(shape, np.nan)
    for student, expert in np.ndindex(shape):
        if (cell := Measure(part, student, expert, distance)) in findings.cells:
            values[student, expert] = findings.mean(cell).mean
            ink = "white" if values[student, expert] < 0.45 else INK
            axes.text(expert, student, f"{values[student, expert]:.2f}", ha="center", va="center", color=ink)
    axes.imshow(values, cmap="Blues_r", vmin=0, vmax=1, aspect="auto")
    axes.set_title(f"{'maps of the question' if part == MAPS else part}, {distance}", fontsize=8)
    axes.set_xticks(range(shape[1]), range(1, shape[1] + 1))
    axes.set_yticks(range(shape[0]), range(1, shape[0] + 1))
    axes.set(xlabel="expert's layer", ylabel="student's layer")
    axes.grid(visible=False)


def _effects(findings: LayerFindings) -> Mapping[Measure, Interval]:
    """Differences right - wrong in standard deviations of the distance, where there are any."""
    cells = [
        *findings.as_published(LITERAL),
        *findings.as_published(CKA),
        *findings.around_middle(PICTURE, CKA).values(),
    ]
    effects = {}
    for cell in cells:
        if (effect := findings.effect(cell, "right")) is not None:
            scale = effect.d / effect.difference.mean if effect.difference.mean else 0.0
            low, height = effect.difference.low * scale, effect.difference.high * scale
            effects[cell] = Interval(effect.d, low, height, effect.difference.n)
    return effects
