"""A study for people: one line a method, the published number beside ours, and what follows from it."""

from collections.abc import Mapping, Sequence

from rich.table import Table

from bench.measure.report import console, ruled
from bench.studies.few_shot.methods import Entry
from bench.studies.few_shot.published import printed
from bench.studies.few_shot.scores import AGREEMENT, EXPERT, Scores


def table(
    title: str, scores: Scores, entries: Sequence[Entry], published: Mapping[str, float], reference: str
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


def _numbers(scores: Scores, name: str) -> list[str]:
    exact = scores.interval(name, "exact")
    rest = [f"{scores.interval(name, metric).mean:.3f}" for metric in ("nls", "anls")]
    same = f"{scores.interval(name, AGREEMENT).mean:.3f}" if name != EXPERT else ""
    return [f"{exact:.3f}", *rest, same]
