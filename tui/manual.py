"""Help, drawn from the bound keys, so that it is always right."""

from collections.abc import Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.words import SOURCES

_MEANINGS = (
    ("expert", "a large model said it: exact, far away, and the student learns from it"),
    ("student", "the small model on this device said it"),
    ("memory", "the same was asked of this view before"),
)


class Manual(ModalScreen[None]):
    """The keys of the screen below, and what the colours mean."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,f1,q,enter", "dismiss(None)", "Close")]

    def __init__(self, bindings: Mapping[str, ActiveBinding]) -> None:
        super().__init__()
        self._actions = bindings

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog", id="manual") as dialog:
            dialog.border_title = "help"
            dialog.border_subtitle = "esc close"
            yield Static(manual(self._actions), markup=False)


def manual(bindings: Mapping[str, ActiveBinding]) -> Content:
    """A line for each thing that can be done, its keys before it."""
    lines = [
        Content.assemble((f"{keys:>12}  ", "bold $accent"), active.binding.tooltip)
        for keys, active in lines_of(bindings)
    ]
    lines += [Content(""), Content.styled("Who answers", "bold")]
    for source, words in _MEANINGS:
        lines.append(Content.assemble((f"{source:>12}  ", f"bold {SOURCES[source]}"), words))
    lines += [
        Content(""),
        Content.styled("In the curve a dot is a question: full when right, hollow when wrong.", "$muted"),
    ]
    return Content("\n").join(lines)


def lines_of(bindings: Mapping[str, ActiveBinding]) -> list[tuple[str, ActiveBinding]]:
    """Each action once with all its keys; those without a tooltip are left out."""
    keys: dict[str, list[str]] = {}
    first: dict[str, ActiveBinding] = {}
    for active in bindings.values():
        binding = active.binding
        if binding.description and binding.tooltip:
            keys.setdefault(binding.action, []).append(readable(binding.key))
            first.setdefault(binding.action, active)
    return [(" ".join(dict.fromkeys(keys[action])), active) for action, active in first.items()]


def readable(key: str) -> str:
    """A key as written on keyboards, in short."""
    if key.startswith("ctrl+"):
        return f"^{key.removeprefix('ctrl+')}"
    return {
        "slash": "/",
        "enter": "⏎",
        "escape": "esc",
        "pageup": "pgup",
        "pagedown": "pgdn",
        "delete": "del",
    }.get(key, key.upper() if key[1:].isdecimal() else key)
