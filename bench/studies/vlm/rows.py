"""Study 1 as rows, as a table beside the published one, and as a paragraph that the intervals write."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from bench.measure.charts import BLUE, GREY, INK, ORANGE, chart, dots
from bench.measure.intervals import Interval
from bench.measure.report import Row, measured, ruled
from bench.studies.vlm.cells import CKA, DISTANCES, JS, MAPS, PICTURE, SEEN, WORDS, Measure
from bench.studies.vlm.found import AROUND, Grouping, LayerFindings, small_draws

SOURCE = "slides of 28-05-2025, Study 1: Florence-2-base-ft and -large-ft, visual grounding"
PUBLISHED: dict[tuple[str, int], tuple[float, float]] = {
    (SEEN, -1): (3.7855, 4.0453), (SEEN, 0): (4.1587, 3.8863),
    (SEEN, 1): (4.1634, 3.6856), (SEEN, 2): (4.1092, 3.7855),
    (WORDS, -2): (3.9215, 3.3729), (WORDS, -1): (3.9470, 3.2881), (WORDS, 0): (4.0245, 3.4320),
    (WORDS, 1): (3.9538, 3.5810), (WORDS, 2): (4.0095, 3.5492),
}  # fmt: skip
"""Mean distance on right and on wrong pictures, by part and the expert's layer counted from its middle."""
SIZES = (22, 20)
"""Right and wrong pictures of the slide."""
LITERAL = "pca2 mse"
_NO_BOUNDS: Row = {"low": None, "high": None, "n": None}
_NAMES: dict[Grouping, tuple[str, str]] = {"right": ("right", "wrong"), "same": ("same", "other")}
_PARTS = ((SEEN, tuple(DISTANCES)), (WORDS, tuple(DISTANCES)), (PICTURE, tuple(DISTANCES)), (MAPS, (JS,)))


def rows(findings: LayerFindings) -> Iterator[Row]:
    """Every cell over all questions; by outcome the cells around the middle; the published numbers."""
    for cell in findings.cells:
        yield measured(findings.mean(cell), **_about(cell), outcome="all", metric=cell.distance)
    for _, offset, cell in shown_cells(findings):
        for grouping, names in _NAMES.items():
            effect = findings.effect(cell, grouping)
            if effect is None:
                continue
            about: Row = {**_about(cell), "offset": offset}
            for name, mean in zip(names, (effect.first, effect.second), strict=True):
                yield {**about, "outcome": name, "metric": cell.distance, "mean": mean, **_NO_BOUNDS}
            difference = measured(effect.difference, **about, metric=f"{cell.distance} difference")
            yield difference | {"outcome": " - ".join(names), "p": effect.p, "d": effect.d}
    for (part, offset), both in PUBLISHED.items():
        for name, mean in zip(("right", "wrong"), both, strict=True):
            identity: Row = {"part": part, "offset": offset, "outcome": name, "source": SOURCE}
            yield {**identity, "metric": LITERAL, "mean": mean, **_NO_BOUNDS}


def shown_cells(findings: LayerFindings) -> Iterator[tuple[str, int, Measure]]:
    """Part, offset from the expert's middle layer, and cell: what the table has."""
    for part, distances in _PARTS:
        for offset in range(-AROUND, AROUND + 1):
            for distance in distances:
                cell = findings.around_middle(part, distance).get(offset)
                if cell is not None:
                    yield part, offset, cell


def table(findings: LayerFindings) -> Table:
    """Distances on right and wrong answers, published ones beside; a distance is small where layers agree."""
    made = ruled(
        "Mean distance where the student's answer is right, and where it is wrong",
        ("part", "expert's layer", "distance", "published", "right", "wrong", "right - wrong", "p", "d"),
        left=("part", "distance"),
    )
    for part, offset, cell in shown_cells(findings):
        effect = findings.effect(cell, "right")
        if effect is None:
            continue
        published = PUBLISHED.get((part, offset)) if cell.distance == LITERAL else None
        made.add_row(
            part, f"middle{offset:+d}" if offset else "middle", cell.distance,
            "" if published is None else f"{published[0]:.2f}, {published[1]:.2f}", f"{effect.first:.3f}",
            f"{effect.second:.3f}", f"{effect.difference:+.3f}", f"{effect.p:.3f}", f"{effect.d:+.2f}",
        )  # fmt: skip
    return made


def sentences(findings: LayerFindings) -> Iterator[str]:
    """What holds of the hypothesis: nearer where the student is right, nearer where both say the same."""
    right = int(findings.flags["right"].sum())
    n = len(findings.rooms)
    same = int(findings.flags["same"].sum())
    yield f"{n} questions, {right} answered right; the expert's answer is the same in {same}."
    for distance in (LITERAL, CKA):
        for grouping in _NAMES:
            yield from _count_cells(findings, distance, grouping, findings.as_published(distance))
    picture_cells = [
        cell for distance in (CKA, "1 - rsa") for cell in findings.around_middle(PICTURE, distance).values()
    ]
    yield from _count_cells(
        findings, "1 - cka and 1 - rsa of the picture in the text encoder", "right", picture_cells
    )
    cells = findings.as_published(LITERAL)
    if cells and 0 < right < n:
        drawn = small_draws(findings.values(cells), findings.flags["right"], SIZES, findings.seed)
        low, high = np.quantile(drawn, [0.025, 0.975])
        unlikely = float((drawn <= len(cells) / 9).mean())
        yield (
            f"Of {SIZES[0]} right and {SIZES[1]} wrong questions, as many as were published, draws have "
            f"{low:.0f} to {high:.0f} of {len(cells)} cells with the expected sign (95 % of draws), and "
            f"{unlikely:.0%} of them no more than one in nine, as published."
        )


def _count_cells(
    findings: LayerFindings, distance: str, grouping: Grouping, cells: Sequence[Measure]
) -> Iterator[str]:
    effects = [effect for cell in cells if (effect := findings.effect(cell, grouping)) is not None]
    if not effects:
        return
    count = len(effects)
    below = sum(effect.difference.mean < 0 for effect in effects)
    nearer = sum(effect.difference.high < 0 for effect in effects)
    farther = sum(effect.difference.low > 0 for effect in effects)
    small = sum(effect.p < 0.05 for effect in effects)
    published = " (published: 1 of 9)" if (distance, grouping) == (LITERAL, "right") else ""
    what = {"right": "the student is right", "same": "both say the same"}[grouping]
    yield (
        f"By {distance} layers are nearer where {what} in {below} of {count} cells{published}: with the "
        f"whole interval in {nearer}, farther in {farther}; p < 0.05 at equal length in {small}. "
        + _verdict(nearer, farther, count)
    )


def _verdict(nearer: int, farther: int, count: int) -> str:
    if nearer > count / 2:
        return "The hypothesis holds in most."
    if farther > count / 2:
        return "The opposite holds in most."
    return "The hypothesis does not hold in most."


def _about(cell: Measure) -> Row:
    return {"part": cell.part, "student_layer": cell.student + 1, "expert_layer": cell.expert + 1}


_MATRICES = ((SEEN, CKA), (PICTURE, CKA), (WORDS, CKA), (MAPS, JS))


def draw(path: Path, findings: LayerFindings, student: str, expert: str) -> None:
    """Above, layers against layers, the nearer the darker; below, effects with intervals over rooms."""
    parts = [(part, distance) for part, distance in _MATRICES if min(findings.layers(part)) > 0]
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
        colours = {name: BLUE if cell.distance == CKA else ORANGE for name, cell in names.items()}
        dots(axes, {name: effects[cell] for name, cell in names.items()}, colours)
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
    cells = [*findings.as_published(LITERAL), *findings.as_published(CKA)]
    cells += findings.around_middle(PICTURE, CKA).values()
    effects = {}
    for cell in cells:
        if (effect := findings.effect(cell, "right")) is not None:
            scale = effect.d / effect.difference.mean if effect.difference.mean else 0.0
            low, height = effect.difference.low * scale, effect.difference.high * scale
            effects[cell] = Interval(effect.d, low, height, effect.difference.n)
    return effects
