"""What every bench and study prints: a table for people, or with `--json` one object.

A row is flat: what identifies it (`model`, `method`, `family`, `tag`, ...), then `metric`, `mean`,
`low`, `high` (95 % interval) and `n`. Numbers that are not finite are null in JSON.
"""

import json
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import typer
from rich.console import Console
from rich.table import Table

from bench.measure.intervals import Interval
from bench.measure.machine import machine_facts

SCHEMA = 1
_WIDE = 200  # columns when nobody's terminal sets the width, so that a piped table is not cut
_MEASURED = ("mean", "low", "high")

Value: TypeAlias = str | int | float | bool | None
Row: TypeAlias = dict[str, Value]


@dataclass(frozen=True)
class Report:
    """The result of one bench run. `command` is what was typed, without `roomwise`."""

    command: str
    seed: int
    rows: Sequence[Row]
    machine: dict[str, str | int | float] = field(default_factory=machine_facts)

    def to_json(self) -> str:
        """The one object of the output contract, on one line."""
        rows = [{key: _finite(value) for key, value in row.items()} for row in self.rows]
        about = {"schema": SCHEMA, "command": self.command, "seed": self.seed, "machine": self.machine}
        return json.dumps(about | {"rows": rows}, allow_nan=False)

    def to_table(self) -> Table:
        """One line a row; a mean carries its interval in brackets."""
        facts = self.machine
        caption = (
            f"{facts.get('cpu')}, {facts.get('cores')} cores, torch {facts.get('torch')}; 95 % intervals"
        )
        table = Table(title=f"roomwise {self.command} (seed {self.seed})", caption=caption)
        keys = dict.fromkeys(key for row in self.rows for key in row)
        columns = [key for key in keys if key not in _MEASURED[1:]]
        for column in columns:
            table.add_column(column, justify="right" if column in ("mean", "n") else "left", no_wrap=True)
        for row in self.rows:
            table.add_row(*(_cell(row, column) for column in columns))
        return table


def measured(interval: Interval, *, metric: str, **identity: Value) -> Row:
    """A row: what identifies it, the metric's name, its mean and interval."""
    return {**identity, "metric": metric, **interval._asdict()}


def interval_of(row: Row) -> Interval:
    """What a row tells of a mean; NaN for what it does not tell."""
    mean, low, high = (math.nan if row[key] is None else float(row[key] or 0) for key in _MEASURED)
    return Interval(mean, low, high, int(row["n"] or 0))


def emit(report: Report, json: bool) -> None:
    """Print the report on stdout: exactly one JSON object, or a table."""
    if json:
        typer.echo(report.to_json())
        return
    console().print(report.to_table())


def console() -> Console:
    """Stdout, wide enough for a table when it goes to a file."""
    made = Console()
    if not made.is_terminal:
        made.width = _WIDE
    return made


def show(table: Table, notes: Sequence[str]) -> None:
    """Print a table and notes on stdout."""
    stdout = console()
    stdout.print(table)
    for note in notes:
        stdout.print(note, highlight=False, markup=False)


def ruled(title: str, columns: Sequence[str], left: Collection[str]) -> Table:
    """An empty table; columns of words lie to the left, numbers to the right."""
    made = Table(title=title)
    for name in columns:
        made.add_column(name, justify="left" if name in left else "right", no_wrap=True)
    return made


def _finite(value: Value) -> Value:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _cell(row: Row, column: str) -> str:
    if column not in row:
        return ""
    if column != "mean":
        return _number(row[column])
    low, high = _finite(row.get("low")), _finite(row.get("high"))
    bounds = "" if low is None or high is None else f" [{_number(low)}, {_number(high)}]"
    return _number(row["mean"]) + bounds


def _number(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.1f}" if abs(value) >= 100 else f"{value:.3f}"
    return str(value)
