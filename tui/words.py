"""Values and foreign texts as what can be drawn. What a model, a person or a file said is never markup."""

import math
import time

from textual.content import Content

from agent.sentences import read
from core.text import strip_controls

SOURCES = {"expert": "$expert", "student": "$student", "memory": "$memory"}
"""The colour of each source, the same in every picture of ours."""
NOTHING = "-"


def plain(text: str, most: int = 4000) -> str:
    """A foreign text without controls, cut at so many characters."""
    cleaned = strip_controls(text[: 4 * most])
    return cleaned if len(cleaned) <= most else cleaned[: most - 1] + "…"


def cut(text: str, most: int) -> str:
    """A foreign text on one short line."""
    return plain(text, max(1, most))


def clip(content: Content, columns: int, rows: int) -> Content:
    """What there is room for of a text, with … where it goes on."""
    lines = content.wrap(max(1, columns))
    if len(lines) <= rows:
        return content
    kept = [line.rstrip() for line in lines[: max(1, rows)]]
    last = kept[-1]
    kept[-1] = Content.assemble(last[: max(0, columns - 1)] if last.cell_length >= columns else last, "…")
    return Content("\n").join(kept)


def line_of(markup: str) -> Content:
    """A line of ours in Rich's markup, with its colours those of the theme."""
    text = read(markup)
    text.rstrip()
    content = Content(text.plain)
    for span in text.spans:
        content = content.stylize(_COLOURS.get(str(span.style), str(span.style)), span.start, span.end)
    return content


_COLOURS = {
    "blue": "$accent",
    "cyan": "$student",
    "yellow": "$expert",
    "magenta": "$memory",
    "red": "$error",
    "green": "$success",
    "dim": "$muted",
    "bold": "bold",
}


def share(value: float | None) -> str:
    """A share in [0, 1] as per cent."""
    return NOTHING if value is None or not math.isfinite(value) else f"{value:.0%}".replace("%", " %")


def duration(seconds: float | None) -> str:
    """A time that passed: 640 ms, 3.2 s, 41 s, 3 min, 2 h, 5 d."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    seconds = max(0.0, seconds)
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    for unit, size, below in (("s", 1, 10.0), ("s", 1, 100), ("min", 60, 100), ("h", 3600, 48)):
        if seconds / size < below:
            return f"{seconds / size:.{1 if below == 10.0 else 0}f} {unit}"
    return f"{seconds / 86_400:.0f} d"


def size(count: float) -> str:
    """Bytes for people: 812 MB."""
    for unit, step in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= step:
            return f"{count / step:.{1 if unit == 'GB' else 0}f} {unit}"
    return f"{max(0.0, count):.0f} B"


def clock(at: float) -> str:
    """The time of day of a moment in seconds since 1970, here."""
    try:
        return time.strftime("%H:%M:%S", time.localtime(at))
    except (ValueError, OverflowError, OSError):
        return NOTHING


def moment(iso: str) -> str:
    """An ISO 8601 time, as far as the minute."""
    text = cut(iso, 32)
    return f"{text[:10]} {text[11:16]}" if len(text) >= 16 and text[10] in "T " else text
