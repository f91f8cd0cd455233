"""A table that always fits: one column takes what the others leave, and every cell is text, never markup."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.text import Text
from textual import events
from textual.widgets import DataTable

from tui.words import cut

_PADDING = 2
"""Columns around a cell, both sides together."""


@dataclass(frozen=True)
class Column:
    """`width` in columns, 0 for what the others leave. Left out of tables narrower than `from_width`."""

    title: str
    width: int = 0
    from_width: int = 0


@dataclass(frozen=True)
class Cell:
    """A foreign text, and the theme's variable for its colour."""

    text: str
    colour: str = ""
    bold: bool = False


@dataclass(frozen=True)
class Row:
    """A line under a key that no other line has."""

    key: str
    cells: Sequence[Cell]


class Table(DataTable[Text]):
    """Lines that one of is chosen with the arrows."""

    def __init__(self, columns: Sequence[Column], **where: Any) -> None:
        super().__init__(cursor_type="row", zebra_stripes=False, show_cursor=True, **where)
        self._wanted = columns
        self._rows_shown: Sequence[Row] = ()
        self._filled_for: tuple[Any, ...] = ()

    def on_mount(self) -> None:
        self.watch(self.app, "theme", self._refill, init=False)

    def on_resize(self, event: events.Resize) -> None:
        self._refill()

    def show(self, rows: Sequence[Row]) -> None:
        """Show these lines; the chosen one stays chosen if it is among them."""
        self._rows_shown = rows
        self._refill()

    @property
    def chosen(self) -> str | None:
        """The key of the chosen line."""
        if not 0 <= self.cursor_row < len(self._rows_shown):
            return None
        return self._rows_shown[self.cursor_row].key

    def _refill(self) -> None:
        filled_for = (self._rows_shown, self.size.width, self.app.theme)
        if filled_for == self._filled_for or self.size.width == 0:
            return
        self._filled_for = filled_for
        key, place = self.chosen, self.cursor_row
        columns, widths = layout(self._wanted, self.size.width - 1)
        self.clear(columns=True)
        for number, width in zip(columns, widths, strict=True):
            self.add_column(Text(self._wanted[number].title), width=width)
        for row in self._rows_shown:
            pairs = zip(columns, widths, strict=True)
            self.add_row(*(self._paint(row.cells[number], width) for number, width in pairs), key=row.key)
        keys = [row.key for row in self._rows_shown]
        self.move_cursor(row=keys.index(key) if key in keys else max(0, min(place, len(keys) - 1)))

    def _paint(self, cell: Cell, width: int) -> Text:
        colour = self.app.theme_variables.get(cell.colour, "")
        colour = colour if colour.startswith("#") else ""
        text = Text(
            cut(cell.text, 400), style=f"{'bold ' if cell.bold else ''}{colour}".strip(), no_wrap=True
        )
        text.truncate(width, overflow="ellipsis")
        return text


def layout(columns: Sequence[Column], width: int) -> tuple[list[int], list[int]]:
    """Which columns are shown in this width, by number, and how wide each is."""
    visible = [number for number, column in enumerate(columns) if width >= column.from_width]
    used = sum(columns[number].width + _PADDING for number in visible)
    free = [number for number in visible if not columns[number].width]
    rest = max(4 * len(free), width - used)
    each = rest // max(1, len(free))
    return visible, [columns[number].width or each for number in visible]
