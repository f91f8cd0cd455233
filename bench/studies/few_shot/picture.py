"""A study as a picture: a dot and its interval a method, one above the other."""

from collections.abc import Mapping
from pathlib import Path

from bench.measure.charts import GREY, ORANGE, chart, dots
from bench.measure.charts import check_picture as check_picture
from bench.measure.intervals import Interval
from bench.studies.few_shot.published import printed


def draw(
    path: Path, title: str, found: Mapping[str, Interval], reference: str, published: Mapping[str, float]
) -> None:
    """Every method, a line where the reference is, published numbers as they stand. Raises StorageError."""
    with chart(path, title, 8, 1.2 + 0.24 * len(found)) as figure:
        axes = figure.subplots()
        dots(axes, found, {reference: ORANGE})
        axes.set_xlabel(f"mean, 95 % interval; dashed: {reference}")
        if reference in found:
            axes.axvline(found[reference].mean, color=ORANGE, linestyle="--", linewidth=1)
        if published:
            beside = axes.secondary_yaxis("right")
            beside.set_yticks(range(len(found)), [printed(published, name) for name in found])
            beside.set_ylabel("published", color=GREY)
            beside.tick_params(length=0, labelcolor=GREY)
