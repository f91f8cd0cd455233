"""Recorded sessions, and what can be done with one from a shell."""

import subprocess
import sys
from collections.abc import Sequence
from typing import ClassVar, get_args

from textual import on
from textual.app import App, ComposeResult, SuspendNotSupported
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from agent.console import Export, ExportFormat, SessionLine, Sessions
from tui.dialogs import Choosing
from tui.parts import set_caption
from tui.screens import FetchingScreen
from tui.table import Cell, Column, Row, Table
from tui.words import cut, moment, plain, share, size

_FORMATS: dict[str, str] = {
    "zip": "to import on another machine",
    "mcap": "for Foxglove and Rerun",
    "parquet": "a table for datasets and pandas",
}
_COLUMNS = (
    Column("began", 16),
    Column("room"),
    Column("turns", 6),
    Column("taken over", 10, from_width=46),
    Column("size", 8, from_width=56),
    Column("name", 14, from_width=84),
)


def play(app: App[object], session: str) -> str:
    """Watch a recording until it is left; a sentence for the person where that was not possible.

    The screen waits meanwhile, and the session behind it goes on.
    """
    arguments = ["roomwise", "replay", session, "--dashboard"]
    by_hand = " ".join(arguments)
    try:
        with app.suspend():
            code = subprocess.run([sys.executable, "-m", *arguments], check=False).returncode
    except SuspendNotSupported:
        return f"No recording can be played in this window. In a shell: {by_hand}"
    return f"It could not be played. See why, on the agent's machine: {by_hand}" if code else ""


class SessionsScreen(FetchingScreen):
    """Sessions on the left, the chosen one on the right."""

    NAME = "sessions"
    AUTO_FOCUS = "Table"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "play", "Play", tooltip="Watch it as it was, here; ^q comes back"),
        Binding("e", "export", "Export", tooltip="Write it to a file, to take it elsewhere"),
        Binding("ctrl+r", "fetch", "Reload", tooltip="Look again what sessions there are"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._lines: dict[str, SessionLine] = {}

    def compose_body(self) -> ComposeResult:
        with Horizontal(classes="split"):
            with Vertical(classes="panel", id="sessions"):
                yield Table(_COLUMNS)
                yield Static("No session is recorded here yet.", classes="empty")
            with Vertical(classes="panel beside", id="session"):
                yield Static("", classes="facts", markup=False)

    def action_fetch(self) -> None:
        self.desk.want(Sessions(), self._fill)

    def action_play(self) -> None:
        line = self._chosen()
        if line is not None:
            problem = play(self.app, line.name)
            if problem:
                self.notify(problem, severity="warning", markup=False)

    @on(Table.RowSelected)
    def _play_row(self) -> None:
        self.action_play()

    def action_export(self) -> None:
        line = self._chosen()
        if line is not None:
            self.app.push_screen(
                Choosing("export", _FORMATS), lambda kind: self._export(line.name, kind) if kind else None
            )

    def _export(self, name: str, kind: str) -> None:
        for format in get_args(ExportFormat):
            if format == kind:
                wish = Export(name, format)
                self.desk.want(wish, lambda file: self.notify(f"Written: {plain(file, 300)}", markup=False))

    def _chosen(self) -> SessionLine | None:
        return self._lines.get(self.query_one(Table).chosen or "")

    def _fill(self, lines: Sequence[SessionLine]) -> None:
        if not self.is_attached:
            return
        self._lines = {line.name: line for line in lines}
        table = self.query_one(Table)
        table.show([_row(line, self._here) for line in self._lines.values()])
        table.display = bool(lines)
        self.query_one(".empty", Static).display = not lines
        total = size(sum(line.bytes for line in lines))
        set_caption(self.query_one("#sessions"), "sessions", f"{len(lines)}, {total}")
        self._show_chosen()

    @property
    def _here(self) -> str:
        started = self.desk.state.started
        return started.session if started else ""

    @on(Table.RowHighlighted)
    def _show_chosen(self) -> None:
        line = self._chosen()
        set_caption(self.query_one("#session"), "session")
        self.query_one(".facts", Static).update(_facts(line) if line else Content(""))


def _row(line: SessionLine, current: str) -> Row:
    is_current = bool(current) and current in line.name
    return Row(
        line.name,
        (
            Cell(moment(line.began), "student" if is_current else "", is_current), Cell(line.room, bold=True),
            Cell(str(line.turns)), Cell(share(line.taken_over), "student"),
            Cell(size(line.bytes), "secondary"), Cell(line.name, "secondary"),
        ),
    )  # fmt: skip


def _facts(line: SessionLine) -> Content:
    filled = round(max(0.0, min(1.0, line.taken_over)) * 20)
    name = cut(line.name, 80)
    return Content.assemble(
        (plain(line.room, 60), "bold"), ("\n" + moment(line.began) + "\n\n", "$muted"),
        f"{line.turns} questions, {size(line.bytes)}\n",
        ("━" * filled, "$student"), ("━" * (20 - filled), "$line"), f" {share(line.taken_over)}\n",
        ("answered without the expert\n\n", "$muted"),
        ("From a shell:\n", "$muted"),
        "\n\n".join(f"roomwise sessions {verb} {name}" for verb in ("show", "redact", "delete")),
    )  # fmt: skip
