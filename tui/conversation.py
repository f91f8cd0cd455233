"""Questions and answers as they come: whose, how sure, how fast and why; between them what happened."""

from dataclasses import dataclass
from typing import Any

from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tui.parts import Now
from tui.state import Note, ShownTurn, State
from tui.words import SOURCES, clock, duration, line_of, plain, share

_SHOWN = 80
"""The most turns and notes on the screen; the recording has all."""
_Parts = list[str | Content | tuple[str, str]]


@dataclass(frozen=True)
class Voice:
    """What is being said into the microphone, as an item."""

    text: str


Item = ShownTurn | Note | Voice


class Conversation(VerticalScroll):
    """A column of entries, one widget each. Stays at its end unless somebody scrolls back."""

    can_focus = False

    def __init__(self, **where: Any) -> None:
        super().__init__(**where)
        self.border_title = "conversation"
        self._entries: list[_Entry] = []

    def on_mount(self) -> None:
        self.anchor()

    def draw(self, state: State, now: Now) -> None:
        items = _items(state)
        for entry, item in zip(self._entries, items, strict=False):
            entry.put(item)
        spare = self._entries[len(items) :]
        self._entries = self._entries[: len(items)]
        for entry in spare:
            entry.remove()
        new = [_Entry(item) for item in items[len(self._entries) :]]
        if new:
            self._entries += new
            self.mount_all(new)
        self.set_class(not items, "-empty")


def _items(state: State) -> list[Item]:
    listed: list[Item] = [
        item if isinstance(item, Note) else state.turns[item] for item in state.items[-_SHOWN:]
    ]
    return [*listed, Voice(state.spoken)] if state.spoken else listed


class _Entry(Static):
    def __init__(self, item: Item) -> None:
        super().__init__(_content(item), markup=False, classes=_classes(item))
        self._item = item

    def put(self, item: Item) -> None:
        if item != self._item:
            self._item = item
            self.set_classes(_classes(item))
            self.update(_content(item))


def _classes(item: Item) -> str:
    match item:
        case ShownTurn():
            return f"turn -{item.by or 'waiting'}"
        case Note():
            return "note"
        case Voice():
            return "turn -waiting"


def _content(item: Item) -> Content:
    match item:
        case ShownTurn():
            return turn_content(item)
        case Note():
            return Content.assemble((f"{clock(item.at)[:5]} ", "$muted"), line_of(item.line))
        case Voice():
            return Content.assemble(("◉ ", "$error"), (plain(item.text), "italic"))


def turn_content(turn: ShownTurn) -> Content:
    """A turn in a few lines: the question, the answer and its source, the facts in grey."""
    lines = [Content.assemble((f"{turn.number:>2} ", "$muted"), (plain(turn.question, 1000), "bold"))]
    lines.append(_answer(turn) if turn.by else _waiting(turn))
    if turn.by:
        lines.append(Content.styled(_facts(turn), "$muted"))
    lines += _aftermath(turn)
    return Content("\n").join(lines)


def _answer(turn: ShownTurn) -> Content:
    source = turn.by or "student"
    parts: _Parts = [badge(source), " ", (plain(turn.answer) or "(no words)", "bold")]
    if turn.right is not None:
        parts.append(("  ✓", "$success") if turn.right else ("  ✗ ", "$error"))
        if not turn.right:
            parts.append((plain(turn.reference, 200), "$muted"))
    return Content.assemble(*parts)


def badge(source: str) -> Content:
    """Whose an answer is, on its colour."""
    return Content.styled(f" {source} ", f"$background on {SOURCES.get(source, '$secondary')}")


def _waiting(turn: ShownTurn) -> Content:
    if turn.partial:
        return Content.assemble((plain(turn.partial), "bold"), ("▌", "$accent"))
    return Content.styled(f"… asking the {turn.to}" if turn.to else "… thinking", "italic $muted")


def _facts(turn: ShownTurn) -> str:
    facts = [f"{share(turn.confidence)} sure", duration(turn.latency_ms / 1000)]
    if turn.adapter:
        facts.append(f"adapter {plain(turn.adapter, 20)}")
    facts.append(f"frame {duration(turn.frame_age_ms / 1000)} old")
    if turn.why:
        facts.append(plain(turn.why, 300))
    return " · ".join(facts)


def _aftermath(turn: ShownTurn) -> list[Content]:
    lines = []
    if turn.unreachable:
        reason = f"no expert: {plain(turn.unreachable, 300)}"
        lines.append(Content.styled(reason, "$warning"))
    if turn.late is not None:
        answer = plain(turn.late, 300) or "(no words)"
        lines.append(Content.assemble(("the expert said later: ", "$expert"), (answer, "bold")))
    if turn.corrected:
        lines.append(Content.assemble(("a person says: ", "$memory"), (plain(turn.corrected, 300), "bold")))
    return lines
