"""Study 1 as rows, as a table beside the published one, and as a paragraph that the intervals write."""

from collections.abc import Iterator, Sequence

import numpy as np
from rich.table import Table

from bench.measure.report import Row, measured, ruled
from bench.studies.vlm.cells import CKA, DISTANCES, JS, MAPS, PICTURE, SEEN, WORDS, Measure
from bench.studies.vlm.found import AROUND, Grouping, LayerFindings
from bench.studies.vlm.groups import small_draws

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
_NAMES: dict[Grouping, tuple[str, str]] = {"right": ("right", "wrong"), "same": ("same", "other")}
_PARTS = ((SEEN, tuple(DISTANCES)), (WORDS, tuple(DISTANCES)), (PICTURE, tuple(DISTANCES)), (MAPS, (JS,)))


def rows(found: LayerFindings) -> Iterator[Row]:
    """Every cell over all questions; by outcome the cells around the middle; the published numbers."""
    for cell in found.cells:
        yield measured(found.mean(cell), **_about(cell), outcome="all", metric=cell.distance)
    for _, offset, cell in shown(found):
        for grouping, names in _NAMES.items():
            one = found.effect(cell, grouping)
            if one is None:
                continue
            about: Row = {**_about(cell), "offset": offset}
            for name, mean in zip(names, (one.first, one.second), strict=True):
                nothing: Row = {"low": None, "high": None, "n": None}
                yield {**about, "outcome": name, "metric": cell.distance, "mean": mean, **nothing}
            difference = measured(one.difference, **about, metric=f"{cell.distance} difference")
            yield difference | {"outcome": " - ".join(names), "p": one.p, "d": one.d}
    for (part, offset), both in PUBLISHED.items():
        for name, mean in zip(("right", "wrong"), both, strict=True):
            told: Row = {"part": part, "offset": offset, "outcome": name, "source": SOURCE}
            yield {**told, "metric": LITERAL, "mean": mean, "low": None, "high": None, "n": None}


def shown(found: LayerFindings) -> Iterator[tuple[str, int, Measure]]:
    """Part, offset from the expert's middle layer, and cell: what the table has."""
    for part, distances in _PARTS:
        for offset in range(-AROUND, AROUND + 1):
            for distance in distances:
                cell = found.around_middle(part, distance).get(offset)
                if cell is not None:
                    yield part, offset, cell


def table(found: LayerFindings) -> Table:
    """Distances on right and wrong answers, published ones beside; a distance is small where layers agree."""
    made = ruled(
        "Mean distance where the student's answer is right, and where it is wrong",
        ("part", "expert's layer", "distance", "published", "right", "wrong", "right - wrong", "p", "d"),
        left=("part", "distance"),
    )
    for part, offset, cell in shown(found):
        one = found.effect(cell, "right")
        if one is None:
            continue
        told = PUBLISHED.get((part, offset)) if cell.distance == LITERAL else None
        made.add_row(
            part, f"middle{offset:+d}" if offset else "middle", cell.distance,
            "" if told is None else f"{told[0]:.2f}, {told[1]:.2f}", f"{one.first:.3f}", f"{one.second:.3f}",
            f"{one.difference:+.3f}", f"{one.p:.3f}", f"{one.d:+.2f}",
        )  # fmt: skip
    return made


def sentences(found: LayerFindings) -> Iterator[str]:
    """What holds of the hypothesis: nearer where the student is right, nearer where both say the same."""
    right = int(found.flags["right"].sum())
    n = len(found.rooms)
    same = int(found.flags["same"].sum())
    yield f"{n} questions, {right} answered right; the expert's answer is the same in {same}."
    for distance in (LITERAL, CKA):
        for grouping in _NAMES:
            yield from _counted(found, distance, grouping, found.as_published(distance))
    beside = [
        cell for distance in (CKA, "1 - rsa") for cell in found.around_middle(PICTURE, distance).values()
    ]
    yield from _counted(found, "1 - cka and 1 - rsa of the picture in the text encoder", "right", beside)
    cells = found.as_published(LITERAL)
    if cells and 0 < right < n:
        drawn = small_draws(found.values(cells), found.flags["right"], SIZES, found.seed)
        low, high = np.quantile(drawn, [0.025, 0.975])
        few = float((drawn <= len(cells) / 9).mean())
        yield (
            f"Of {SIZES[0]} right and {SIZES[1]} wrong questions, as many as were published, draws have "
            f"{low:.0f} to {high:.0f} of {len(cells)} cells with the expected sign (95 % of draws), and "
            f"{few:.0%} of them no more than one in nine, as published."
        )


def _counted(
    found: LayerFindings, distance: str, grouping: Grouping, cells: Sequence[Measure]
) -> Iterator[str]:
    effects = [found.effect(cell, grouping) for cell in cells]
    known = [effect for effect in effects if effect is not None]
    if not known:
        return
    below = sum(one.difference.mean < 0 for one in known)
    surely = sum(one.difference.high < 0 for one in known)
    reversed_ones = sum(one.difference.low > 0 for one in known)
    small = sum(one.p < 0.05 for one in known)
    published = " (published: 1 of 9)" if (distance, grouping) == (LITERAL, "right") else ""
    what = {"right": "the student is right", "same": "both say the same"}[grouping]
    yield (
        f"By {distance} layers are nearer where {what} in {below} of {len(known)} cells{published}: with the "
        f"whole interval in {surely}, farther in {reversed_ones}; p < 0.05 at equal length in {small}. "
        + _verdict(surely, reversed_ones, len(known))
    )


def _verdict(surely: int, reversed_ones: int, count: int) -> str:
    if surely > count / 2:
        return "The hypothesis holds in most."
    if reversed_ones > count / 2:
        return "The opposite holds in most."
    return "The hypothesis does not hold in most."


def _about(cell: Measure) -> Row:
    return {"part": cell.part, "student_layer": cell.student + 1, "expert_layer": cell.expert + 1}
