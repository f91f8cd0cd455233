"""The take-over curve on a terminal, in characters."""

from collections.abc import Iterator

from rich.text import Text

from agent.recording.summary import Summary
from agent.replay.curve import STUDENT, UNTOUCHED, Series, series

_ROWS = 9  # from all to none, so that a row is an eighth
_TURN_WIDTH = 3  # columns a turn
_MOST_WIDE_TURNS = 24  # turns on a line of 80 columns
_STYLES = {"expert": "yellow", "student": "cyan", "memory": "magenta"}
_MARKS = {STUDENT: ("●", "cyan"), UNTOUCHED: ("○", "dim")}
_SIDE = "      "


def terminal_curve(summary: Summary) -> Iterator[Text]:
    """Lines to print; none without a reference answer."""
    if not any(turn.right is not None for turn in summary.turns):
        return
    wide = _TURN_WIDTH if len(summary.turns) <= _MOST_WIDE_TURNS else 1
    yield _title()
    yield from _grid(summary, series(summary), wide)
    yield _row("by", summary, wide, {turn.turn: (turn.by[0], _STYLES[turn.by]) for turn in summary.turns})
    verdicts = {True: ("+", "green"), False: ("-", "red"), None: (" ", "")}
    yield _row("right", summary, wide, {turn.turn: verdicts[turn.right] for turn in summary.turns})
    if wide > 1:
        yield Text(_SIDE + "".join(f"{turn.turn:>{wide}}" for turn in summary.turns), style="dim")
    yield Text(f"{_SIDE} by e: expert, s: student, m: memory; + right, - wrong", style="dim")


def _title() -> Text:
    text = Text("Right so far, answered by the student alone:  ")
    for name, (mark, style) in _MARKS.items():
        text.append(f"{mark} {name.removeprefix(f'{STUDENT} ')}  ", style)
    return text


def _grid(summary: Summary, lines: tuple[Series, ...], wide: int) -> Iterator[Text]:
    places = {turn.turn: column for column, turn in enumerate(summary.turns)}
    rows = [[" "] * (len(places) * wide) for _ in range(_ROWS)]
    styles: dict[tuple[int, int], str] = {}
    _draw_border(summary, rows, styles, wide)
    for line in reversed(lines):
        mark, style = _MARKS[line.name]
        for turn, share in line.points:
            row, column = round((1 - share) * (_ROWS - 1)), places[turn] * wide + wide - 1
            rows[row][column] = mark
            styles[row, column] = style
    for number, row_cells in enumerate(rows):
        share = 1 - number / (_ROWS - 1)
        text = Text(f"{share:>4.0%} ┤" if number % 4 == 0 else "     │", style="dim")
        for column, cell in enumerate(row_cells):
            text.append(cell, styles.get((number, column), ""))
        yield text


def _draw_border(
    summary: Summary, rows: list[list[str]], styles: dict[tuple[int, int], str], wide: int
) -> None:
    """A line where the student takes over."""
    border = sum(turn.turn <= summary.warm_up for turn in summary.turns) * wide
    if wide > 1 and 0 < border < len(summary.turns) * wide:
        for number, row in enumerate(rows):
            row[border] = "┊"
            styles[number, border] = "dim"


def _row(name: str, summary: Summary, wide: int, cells: dict[int, tuple[str, str]]) -> Text:
    text = Text(f"{name:>5} ", style="dim")
    for turn in summary.turns:
        mark, style = cells[turn.turn]
        text.append(f"{mark:>{wide}}", style)
    return text
