"""The lines above and below every screen: where one is, what is recorded and heard, what has gone wrong."""

from typing import Any

from textual.content import Content
from textual.style import Style

from agent.console import Listening
from tui.panels import short_readings
from tui.parts import Now, Part
from tui.state import State
from tui.words import cut, plain

SCREENS = (
    ("f2", "live", "Live"),
    ("f3", "memory", "Memory"),
    ("f4", "adapters", "Adapters"),
    ("f5", "sessions", "Sessions"),
    ("f6", "settings", "Settings"),
)
"""Key, name and title of each screen, in order."""
_HEARING: dict[Listening, tuple[str, str]] = {
    "none": ("", ""),
    "muted": ("⊘ mic", "$muted"),
    "key": ("○ mic", "$muted"),
    "open": ("◎ mic", "$success"),
    "speech": ("◉ mic", "bold $error"),
    "busy": ("◌ mic", "$warning"),
}


class TopBar(Part):
    """The screens with their keys, the open one marked; on the right what is recorded and heard."""

    def __init__(self, open_screen: str, **where: Any) -> None:
        super().__init__(**where)
        self._open = open_screen

    def draw(self, state: State, now: Now) -> None:
        columns = self.content_size.width
        right = indicators(state)
        for left in tabs(self._open):
            room = columns - left.cell_length - right.cell_length
            if room >= 1:
                self.put(Content.assemble(left, " " * room, right))
                return
        self.put(right if right.cell_length <= columns else Content(""))


def tabs(open_screen: str) -> list[Content]:
    """The screens as a line, from the fullest to the shortest."""
    name = Content.styled(" Roomwise ", "bold $accent")
    full = [_tab(key, mode, title, open_screen) for key, mode, title in SCREENS]
    short = [
        _tab(key, mode, title if mode == open_screen else "", open_screen) for key, mode, title in SCREENS
    ]
    return [Content.assemble(name, *full), Content.assemble(*full), Content.assemble(*short)]


def _tab(key: str, mode: str, title: str, open_screen: str) -> Content:
    words = f" {title} " if title else " "
    if mode == open_screen:
        tab = Content.assemble((f" {key.upper()}", "bold $accent on $panel"), (words, "bold on $panel"))
    else:
        tab = Content.assemble((f" {key.upper()}", "$accent"), (words, "$muted"))
    return tab.stylize(Style.from_meta({"@click": f"app.open('{mode}')"}))


def indicators(state: State) -> Content:
    """The recording and microphone indicators."""
    pulse = state.pulse
    if state.gone is not None:
        return Content.styled("▲ away ", "bold $error")
    if pulse is None:
        return Content("")
    words, style = _HEARING[pulse.listening]
    hearing = Content.styled(f"{words}  " if words else "", style)
    record = ("● rec ", "$error") if pulse.recording else ("○ no rec ", "bold $warning")
    return Content.assemble(hearing, record)


class Banner(Part):
    """A line that is there only while something is wrong."""

    def draw(self, state: State, now: Now) -> None:
        words = trouble(state)
        self.display = bool(words)
        self.put(Content(words))


def trouble(state: State) -> str:
    """What is wrong, as a sentence; "" for nothing."""
    if state.gone is not None:
        reason = plain(state.gone.reason, 200)
        if state.gone.ended:
            return f"The session has ended: {reason} Leave with ^q."
        return f"Not connected: {reason} Trying again."
    pulse = state.pulse
    if pulse is None:
        return ""
    return " ".join(filter(None, (plain(pulse.camera, 200), plain(pulse.microphone, 200))))


class StatusLine(Part):
    """Who is in which room, and what that takes of the machine."""

    def draw(self, state: State, now: Now) -> None:
        columns = self.content_size.width
        left = who(state, columns)
        shown: list[str] = []
        for reading in short_readings(state):
            if left.cell_length + len("  ".join([*shown, reading])) + 2 <= columns:
                shown.append(reading)
        right = Content.styled("  ".join(shown), "$muted")
        self.put(Content.assemble(left, " " * max(1, columns - left.cell_length - right.cell_length), right))


def who(state: State, columns: int) -> Content:
    """The room, the student and the expert it learns from, cut to what there is room for."""
    started = state.started
    if started is None:
        return Content.styled("no session yet", "$muted")
    adapter = f" + {cut(state.adapter, 16)}" if state.adapter else ""
    room = cut(started.room, max(4, columns // 3))
    names = f"{cut(started.student, 28)}{adapter} ← {cut(started.expert, 32)}"
    learning = "  learning paused" if state.paused else ""
    rest = max(0, columns - len(room) - len(learning) - 4)
    return Content.assemble(
        (room, "bold"), ("  " + cut(names, rest) if rest > 8 else "", "$muted"), (learning, "$warning")
    )
