"""A study for people: one line a method, the published number beside ours, and what follows from it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.table import Table

from bench.measure.charts import GREY, ORANGE, chart, dots
from bench.measure.charts import check_picture as check_picture
from bench.measure.intervals import Interval
from bench.measure.report import console, ruled
from bench.studies.few_shot.methods import Entry
from bench.studies.few_shot.published import printed
from bench.studies.few_shot.scores import AGREEMENT, EXPERT, MethodScores


def table(
    title: str, scores: MethodScores, entries: Sequence[Entry], published: Mapping[str, float], reference: str
) -> Table:
    """Exact match with its interval, the similarities, agreement with the expert, and the difference."""

    def above(name: str) -> str:
        return f"{scores.difference(name, reference, 'exact'):+.3f}"

    names = ("method", "what", "published", "exact", "nls", "anls", "as expert", f"exact - {reference}")
    found = ruled(title, names, left=("method", "what"))
    for entry in entries:
        found.add_row(entry.name, entry.what, printed(published, entry.name), *_numbers(scores, entry.name),
                      "" if entry.name == reference else above(entry.name))  # fmt: skip
    found.add_row(EXPERT, "", "", *_numbers(scores, EXPERT), above(EXPERT))
    return found


def show(found: Table, notes: Sequence[str]) -> None:
    """Print the table and the notes on stdout."""
    shown = console()
    shown.print(found)
    for note in notes:
        shown.print(note, highlight=False, markup=False)


def _numbers(scores: MethodScores, name: str) -> list[str]:
    exact = scores.interval(name, "exact")
    rest = [f"{scores.interval(name, metric).mean:.3f}" for metric in ("nls", "anls")]
    same = f"{scores.interval(name, AGREEMENT).mean:.3f}" if name != EXPERT else ""
    return [f"{exact:.3f}", *rest, same]


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
