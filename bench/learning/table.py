"""For people: methods down, tags across; and which rows are worth a line beside that."""

from collections.abc import Sequence

from rich.table import Table

from agent.recording.summary import ALL
from bench.measure.report import Row, interval_of

_BY_TAG = ("exact", "nls", "anls")


def methods_table(rows: Sequence[Row]) -> Table:
    """The share right after the warm-up of every method, over all questions and by tag, with its interval."""
    drawn = [row for row in rows if _is_shown(row)]
    tags = list(dict.fromkeys(str(row["tag"]) for row in drawn))
    table = Table(title="Share right after the warm-up (exact match), with 95 % intervals over rooms")
    table.add_column("method", no_wrap=True)
    for tag in tags:
        counts = {row["n"] for row in drawn if row["tag"] == tag}
        table.add_column(f"{tag} ({'/'.join(map(str, counts))})", no_wrap=True)
    for method in dict.fromkeys(str(row["method"]) for row in drawn):
        cells = {str(row["tag"]): row for row in drawn if row["method"] == method}
        table.add_row(method, *(_cell(cells.get(tag)) for tag in tags))
    return table


def other_rows(rows: Sequence[Row]) -> list[Row]:
    """What that table leaves out, but for the similarities of texts by tag, which the JSON has."""
    return [
        row for row in rows if not _is_shown(row) and not (row["metric"] in _BY_TAG and row.get("tag") != ALL)
    ]


def _is_shown(row: Row) -> bool:
    return row["metric"] == "exact" and row.get("phase") != "stream"


def _cell(row: Row | None) -> str:
    return "" if row is None else f"{interval_of(row):.3f}"
