"""What is set, and where that comes from. Secrets come masked."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Static

from agent.console import Setting, Settings
from tui.line import TextLine
from tui.parts import set_caption
from tui.screens import FetchingScreen
from tui.table import Cell, Column, Row, Table

_COLUMNS = (Column("setting", 32), Column("value"), Column("from", 22, from_width=70))


class SettingsTable(Table):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "screen.search", "Search", tooltip="Go to the line for searching")
    ]


class SettingsScreen(FetchingScreen):
    """One table, and a line that narrows it."""

    NAME = "settings"
    AUTO_FOCUS = "SettingsTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave_search", "Settings", show=False, tooltip="From the search to the settings")
    ]

    def __init__(self) -> None:
        super().__init__()
        self._settings: Sequence[Setting] = ()

    def compose_body(self) -> ComposeResult:
        with Horizontal(classes="search"):
            yield Static("/")
            yield TextLine(placeholder="Search the settings", compact=True)
        with Horizontal(classes="split"), Vertical(classes="panel", id="settings"):
            yield SettingsTable(_COLUMNS)
            yield Static("No setting is called like that.", classes="empty")

    def action_fetch(self) -> None:
        self.desk.want(Settings(), self._take)

    def _take(self, settings: Sequence[Setting]) -> None:
        if self.is_attached:
            self._settings = settings
            self._fill()

    @on(Input.Changed)
    def _fill(self) -> None:
        words = self.query_one(Input).value.casefold().split()
        matching = [
            setting
            for setting in self._settings
            if all(word in f"{setting.name} {setting.value}".casefold() for word in words)
        ]
        table = self.query_one(SettingsTable)
        table.show([_row(setting) for setting in matching])
        table.display = bool(matching)
        self.query_one(".empty", Static).display = bool(self._settings) and not matching
        count = f"{len(matching)} of {len(self._settings)}, set in roomwise.toml"
        set_caption(self.query_one("#settings"), "settings", count)

    def action_search(self) -> None:
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def action_leave_search(self) -> None:
        self.query_one(SettingsTable).focus()


def _row(setting: Setting) -> Row:
    default = setting.origin == "default"
    return Row(
        setting.name,
        (
            Cell(setting.name),
            Cell(setting.value, "" if default else "student", not default),
            Cell(setting.origin, "secondary"),
        ),
    )
