"""A study for people: one line a method, the published number beside ours, and what follows from it."""

from collections.abc import Mapping, Sequence
from math import isfinite

from rich.table import Table

from bench.intervals import Interval
from bench.report import console
from bench.studies.methods import Entry
from bench.studies.published import printed
from bench.studies.scores import AGREEMENT, EXPERT, Scores


def table(
    title: str, scores: Scores, entries: Sequence[Entry], published: Mapping[str, float], reference: str
) -> Table:
    """Exact match with its interval, the similarities, agreement with the expert, and the difference."""
    found = Table(title=title)
    for name in ("method", "what", "published", "exact", "nls", "anls", "as expert", f"exact - {reference}"):
        found.add_column(name, justify="left" if name in ("method", "what") else "right", no_wrap=True)
    for entry in entries:
        found.add_row(entry.name, entry.what, printed(published, entry.name), *_numbers(scores, entry.name),
                      "" if entry.name == reference else _signed(scores, entry.name, reference))  # fmt: skip
    found.add_row(EXPERT, "", "", *_numbers(scores, EXPERT), _signed(scores, EXPERT, reference))
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
    return [_bounded(exact, ".3f"), *rest, same]


def _signed(scores: Scores, name: str, reference: str) -> str:
    return _bounded(scores.difference(name, reference, "exact"), "+.3f")


def _bounded(found: Interval, spelling: str) -> str:
    bounds = [format(bound, spelling) for bound in (found.low, found.high)]
    known = isfinite(found.low)  # it is not with one room alone
    return format(found.mean, spelling) + (f" [{bounds[0]}, {bounds[1]}]" if known else "")
