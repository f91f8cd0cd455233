"""What every bench and study prints: a table for people, or with `--json` one object.

A row is flat: what identifies it (`model`, `method`, `family`, `tag`, ...), then `metric`, `mean`,
`low`, `high` (95 % interval) and `n`. Numbers that are not finite are null in JSON.
"""

import json
import math
import os
import platform
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TypeAlias

import typer
from rich.console import Console
from rich.table import Table

from bench.measure.intervals import Interval

_VERSIONS = ("roomwise", "numpy", "torch", "transformers")


def machine_facts() -> dict[str, str | int | float]:
    """Processor, usable cores, memory in GiB, threads allowed, system, Python and library versions."""
    facts: dict[str, str | int | float] = {
        "cpu": _cpu(),
        # A container or taskset may leave fewer than the machine has.
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        "memory_gib": _memory_gib(),
        "threads": os.environ.get("OMP_NUM_THREADS", "all"),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }
    return facts | {name: _version(name) for name in _VERSIONS}


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine() or "unknown"


def _memory_gib() -> float:
    """Physical memory in GiB, 0 where the system does not say."""
    try:
        pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 0.0
    return round(pages * size / 2**30, 1)


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


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
