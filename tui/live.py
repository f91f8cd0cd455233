"""The newest frame, with its age: nobody shall take an old picture for the room."""

from typing import Any

from agent.console import Pulse
from tui.parts import Now, PictureView, set_caption
from tui.state import State
from tui.words import cut, duration

_PAUSE, _BUSY_PAUSE = 0.25, 1.0
"""Seconds between two pictures at least; more while the processor has an answer or an adaptation to make."""


class LiveView(PictureView):
    """The live view. Its border says how old the frame is."""

    def __init__(self, **where: Any) -> None:
        super().__init__(**where)
        self.stale_ms = 2000.0
        """How old a frame may be before it is warned of."""
        self._next = 0.0

    def draw(self, state: State, now: Now) -> None:
        age = age_ms(state, now)
        warning = age is None or age > self.stale_ms or state.gone is not None
        self.set_class(warning, "-warning")
        set_caption(self, "live", caption(state, age, self.stale_ms))
        if now.at >= self._next or not self._jpeg:
            self._next = now.at + (_BUSY_PAUSE if state.answering or state.learning else _PAUSE)
            self.show(state.frame, words(state.pulse))


def age_ms(state: State, now: Now) -> float | None:
    """How old the newest frame is at this moment, None without one."""
    pulse = state.pulse
    if pulse is None or pulse.age_ms is None:
        return None
    return pulse.age_ms + now.since_pulse * 1000


def caption(state: State, age: float | None, stale_ms: float) -> str:
    """The border's text, in Textual's markup; our own words only."""
    if age is None:
        return "no frame"
    age_text = duration(age / 1000)
    if state.gone is not None:
        return f"▲ {age_text} old, not connected"
    return f"▲ {age_text} old, nothing newer" if age > stale_ms else f"{age_text} old"


def words(pulse: Pulse | None) -> str:
    """What is shown instead of a picture."""
    if pulse is None:
        return "Waiting for the first frame."
    return cut(pulse.camera, 300) or "The camera has given no frame yet."
