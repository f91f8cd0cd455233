"""The methods side by side: a group a tag, in it a dot with its interval for each method."""

from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path

from agent.recording.summary import ALL
from bench.learning.methods import ORDER
from bench.measure.charts import BLUE, GREY, ORANGE, chart, dots
from bench.measure.intervals import Interval
from bench.measure.report import Row, interval_of
from core.errors import InputError

_COLOURS = {"untouched": GREY, "memory": "#9c3a9c", "roomwise": BLUE, "expert": ORANGE}
_OTHER = "#7a9a3c"


def draw(rows: Sequence[Row], path: Path) -> None:
    """Write the picture of the rows' exact match. Raises InputError without such rows, StorageError."""
    groups = _groups(rows)
    if not groups:
        raise InputError(
            "There is nothing to draw: no room was measured after a warm-up. Leave out --picture."
        )
    heights = [1 + len(group) for group in groups.values()]
    title = "Share right after the warm-up, 95 % intervals over rooms"
    with chart(path, title, 8, 1 + 0.24 * sum(heights)) as figure:
        panels = figure.subplots(len(groups), sharex=True, squeeze=False, height_ratios=heights)[:, 0]
        for axes, (tag, group) in zip(panels, groups.items(), strict=True):
            axes.set_title("all questions" if tag == ALL else tag)
            dots(axes, group, {**dict.fromkeys(group, _OTHER), **_COLOURS})
            for place, one in enumerate(group.values()):
                right = one.high if isfinite(one.high) else one.mean
                axes.annotate(f"{one.mean:.1%}", (right, place), (8, 0), textcoords="offset points",
                              va="center", color=GREY)  # fmt: skip
        panels[-1].set(xlabel="share right", xlim=(-0.01, 1.08), xticks=(0, 0.25, 0.5, 0.75, 1))
        panels[-1].xaxis.set_major_formatter("{x:.0%}")


def _groups(rows: Sequence[Row]) -> Mapping[str, Mapping[str, Interval]]:
    """By tag what is drawn of each method, in their order."""
    drawn = [row for row in rows if row["metric"] == "exact" and row.get("phase") != "stream"]
    drawn.sort(key=lambda row: ORDER.index(str(row["method"])))
    tags = dict.fromkeys(str(row["tag"]) for row in rows if row in drawn)
    return {tag: {str(row["method"]): interval_of(row) for row in drawn if row["tag"] == tag} for tag in tags}
