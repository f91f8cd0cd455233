"""A line to type into, in which nothing pasted is lost."""

import re

from textual import events
from textual.widgets import Input

from core.text import strip_controls

_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?)|\x9b[0-?]*[ -/]*[@-~]")
"""What moves a terminal's cursor or colours its words, and its titles and links."""


class TextLine(Input):
    """What is pasted becomes one line, however many it had; how long it may be is said when it is sent."""

    def on_paste(self, event: events.Paste) -> None:
        event.prevent_default()  # Textual's takes the first line, or nothing that is too long
        event.stop()
        self._insert_line(event.text)

    def action_paste(self) -> None:
        self._insert_line(self.app.clipboard)

    def _insert_line(self, text: str) -> None:
        start, end = sorted(self.selection)
        self.replace(one_line(text, self.value[:start]), start, end)


def one_line(text: str, before: str) -> str:
    """A pasted text for a line that has `before` in front of it: words that were apart stay apart."""
    plain = _SEQUENCE.sub("", text)
    words = strip_controls(plain)
    apart = plain[:1].isspace() and before and not before[-1].isspace()
    return f"{' ' if apart else ''}{words}{' ' if words and plain[-1:].isspace() else ''}"
