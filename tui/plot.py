"""Curves in the cells of a terminal: dots of braille for a line, blocks for a little one beside a number."""

import math
from collections.abc import Sequence

from textual.content import Content

from tui.state import ShownTurn
from tui.words import SOURCES, share

BLOCKS = "▁▂▃▄▅▆▇█"
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Bits of a braille cell's dots: four rows of two."""
_BLANK = 0x2800
_LABEL = 5
"""Columns before the plot, for the shares."""


def sparkline(
    values: Sequence[float], columns: int, low: float | None = None, high: float | None = None
) -> str:
    """The newest values as blocks, one a column, between `low` and `high` or their own least and most."""
    kept = _thin([value for value in values if value == value], columns)
    if not kept:
        return ""
    bottom, top = min(kept) if low is None else low, max(kept) if high is None else high
    span = top - bottom
    if not 0 < span < math.inf:
        return BLOCKS[0] * len(kept)
    last = len(BLOCKS) - 1
    heights = [(min(top, max(bottom, value)) - bottom) / span for value in kept]
    return "".join(BLOCKS[round(height * last)] for height in heights)


def _thin(values: Sequence[float], most: int) -> list[float]:
    """At most so many, evenly taken, first and last among them."""
    if most < 1 or not values:
        return []
    if len(values) <= most:
        return list(values)
    if most == 1:
        return [values[-1]]
    return [values[round(place * (len(values) - 1) / (most - 1))] for place in range(most)]


def braille(points: Sequence[tuple[float, float]], columns: int, rows: int) -> list[str]:
    """A line through points in the unit square, the origin below on the left, as so many rows of text."""
    cells = [[0] * columns for _ in range(rows)]
    places = [(x * (2 * columns - 1), (1 - y) * (4 * rows - 1)) for x, y in points]
    for start, end in zip(places, places[1:] or places, strict=False):
        steps = max(1, round(max(abs(end[0] - start[0]), abs(end[1] - start[1]))))
        for step in range(steps + 1):
            across = round(start[0] + (end[0] - start[0]) * step / steps)
            down = round(start[1] + (end[1] - start[1]) * step / steps)
            if 0 <= across < 2 * columns and 0 <= down < 4 * rows:
                cells[down // 4][across // 2] |= _DOTS[down % 4][across % 2]
    return ["".join(chr(_BLANK + cell) if cell else " " for cell in row) for row in cells]


def takeover(turns: Sequence[ShownTurn], warm_up: int, columns: int, rows: int) -> Content:
    """The take-over curve: above how often the student would have been right, below who answered each time.
    Where no answer is known to compare with, the line is how likely the student was held to agree with the
    expert.
    """
    wide, high = columns - _LABEL, rows - 1
    if wide < 4 or high < 1:
        return Content("")
    visible = turns[-wide:]
    slots = max(len(visible), min(wide, 2 * warm_up), 1)
    pitch = wide // slots
    places = [number * pitch + pitch // 2 for number in range(slots)]
    left_out = len(turns) - len(visible)
    points = [
        ((places[number - left_out - 1] + 0.5) / wide, value)
        for number, value in curve(turns)
        if number > left_out
    ]
    last = warm_up - (visible[0].number if visible else 1)  # the place of the warm-up's last question
    bound = (places[last] + places[last + 1] + 1) // 2 if 0 <= last < slots - 1 else None
    lines = braille(points, wide, high)
    body = [_with_bound(_label(row, high), line, bound) for row, line in enumerate(lines)]
    return Content("\n").join([*body, _who(visible, places, wide)])


def curve(turns: Sequence[ShownTurn]) -> list[tuple[int, float]]:
    """The points of the line: how many turns in, counted from 1, and a share in [0, 1]."""
    if any(turn.student is not None for turn in turns):
        points: list[tuple[int, float]] = []
        hits = 0
        for number, turn in enumerate(turns, 1):
            if turn.student is not None:
                hits += turn.student
                points.append((number, hits / (len(points) + 1)))
        return points
    worths = [(number, turn.worth) for number, turn in enumerate(turns, 1)]
    return [
        (number, min(1.0, max(0.0, worth)))
        for number, worth in worths
        if worth is not None and math.isfinite(worth)
    ]


def meaning(turns: Sequence[ShownTurn]) -> str:
    """What the line says, with its newest value."""
    points = curve(turns)
    if not points:
        return ""
    is_judged = any(turn.student is not None for turn in turns)
    return (
        f"{'student right so far' if is_judged else 'student as good as the expert'} {share(points[-1][1])}"
    )


def _label(row: int, rows: int) -> str:
    """The share that a row stands for, where it is worth saying."""
    middle = {rows // 2: "50%"} if rows >= 5 else {}
    return f"{({**middle, rows - 1: '0%', 0: '100%'}).get(row, ''):>{_LABEL - 1}} "


def _with_bound(label: str, line: str, bound: int | None) -> Content:
    """A row of the plot, where the warm-up ends marked behind the line."""
    if bound is None or not 0 <= bound < len(line):
        return Content.assemble((label, "$muted"), (line, "$student"))
    middle = (line[bound], "$student") if line[bound] != " " else ("┊", "$muted")
    return Content.assemble(
        (label, "$muted"), (line[:bound], "$student"), middle, (line[bound + 1 :], "$student")
    )


def _who(turns: Sequence[ShownTurn], places: Sequence[int], columns: int) -> Content:
    """A mark for each question: whose, and hollow when wrong."""
    parts: list[str | tuple[str, str]] = [(f"{'who':>{_LABEL - 1}} ", "$muted")]
    end = 0
    for turn, place in zip(turns, places, strict=False):
        mark = "·" if turn.by is None else "○" if turn.right is False or turn.corrected else "●"
        parts += [" " * (place - end), (mark, SOURCES[turn.by] if turn.by else "$muted")]
        end = place + 1
    return Content.assemble(*parts, " " * max(0, columns - end))
