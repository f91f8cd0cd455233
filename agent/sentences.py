"""What happened between two questions, as a line in Rich's markup."""

from collections.abc import Callable
from typing import Any

from rich.errors import MarkupError
from rich.text import Text

from core import events
from core.events import Event
from core.text import printable, strip_controls, with_article

_CAMERAS = {"rgb": "the camera", "depth": "the depth camera"}
_HARMLESS = frozenset({"index", "calibration", "voice activity", "no microphone"})
"""Failures that lose nothing."""


_MARKUP, _STAND_INS = "[\\", "\ue000\ue001"
"""What stands for markup in foreign words until the line is read: private, so no cleaned text has it."""
_HIDE, _SHOW = str.maketrans(_MARKUP, _STAND_INS), str.maketrans(_STAND_INS, _MARKUP)


def quoted(text: str) -> str:
    """Foreign words for a line in markup: they stay words, whatever stands beside them."""
    return strip_controls(text).translate(_HIDE)


def read(markup: str) -> Text:
    """A line in markup as what can be shown, without anything that acts on a terminal."""
    clean = printable(markup, _STAND_INS)
    try:
        text = Text.from_markup(clean, emoji=False)
    except MarkupError:
        text = Text(clean)
    text.plain = text.plain.translate(_SHOW)
    return text


def sentence(event: Event) -> str:
    """An event's line; "" for one that has none."""
    line = _LINES.get(type(event))
    return "" if line is None else line(event)


def _ended(event: events.AdaptationEnded) -> str:
    verdict = "promoted" if event.promoted else "interrupted" if event.again else "rejected"
    return f"[blue]{verdict}[/] after {event.seconds:.1f} s: {quoted(event.reason)}"


def _home_consolidated(event: events.Consolidated) -> str:
    verdict = "promoted" if event.promoted else "rejected"
    of = f"{event.pairs} pairs of {event.rooms} rooms"
    return f"[blue]home {verdict}[/]: {of}, {event.seconds:.0f} s. {quoted(event.reason)}"


def _rooms_learnt(event: events.RoomsLearnt) -> str:
    of = f"{event.pairs} pairs of {event.rooms} rooms"
    return f"[blue]learnt what other rooms say[/]: {of}, {event.seconds:.0f} s"


def _camera_learnt(event: events.CameraLearnt) -> str:
    verdict = "promoted" if event.promoted else "rejected"
    of = f"{event.pairs} pairs of picture and depth"
    return (
        f"[blue]scene encoder of {quoted(event.camera)} {verdict}[/]: {of}, {event.seconds:.0f} s. "
        f"{quoted(event.reason)}"
    )


def _answered_late(event: events.ToldLate) -> str:
    answer = quoted(event.text) or "(no words)"
    return f"[yellow]the expert is back[/] and says to question {event.turn}: {answer}"


def _revised(event: events.Revised) -> str:
    change = f"is now: {quoted(event.text)}" if event.text else "is forgotten"
    return f"[magenta]a person says[/]: pair {event.pair[:8]} {change}"


def _failed(event: events.Failed) -> str:
    if event.what in _HARMLESS:
        return f"[yellow]note[/]: {quoted(event.error)}"
    return f"[red]{quoted(event.what)} failed[/]: {quoted(event.error)}"


def _camera_changed(event: events.CameraChanged) -> str:
    return _device(f"the camera {quoted(event.name)}", event.there, event.reason, event.seconds)


def _microphone_changed(event: events.MicrophoneChanged) -> str:
    return _device("the microphone", event.there, event.reason, event.seconds)


def _device(name: str, available: bool, reason: str, seconds: float) -> str:
    if not available:
        return f"[red]{name} is lost[/]: {quoted(reason)}"
    return f"[blue]{name} is back[/] after {seconds:.1f} s" if seconds else f"[blue]{name} is there[/]"


def _scene_changed(event: events.SceneChanged) -> str:
    if event.change == "view":
        return "[dim]a view that was not seen before[/]"
    return "[yellow]this may be another room[/]: begun without --room, the agent tells by itself"


def _recognised(event: events.RoomRecognised) -> str:
    by = f"{event.views} view{'s' if event.views > 1 else ''} of {_CAMERAS.get(event.kind, event.kind)}"
    return f"[green]this is {quoted(event.room)}[/]: {by}, {event.probability:.0%} sure"


def _entered(event: events.RoomEntered) -> str:
    begin = "a new room," if event.new else "back in"
    like = f", most like {with_article(quoted(event.kind))}" if event.kind else ""
    also = "; what was asked until now is remembered for it" if event.moved else ""
    return f"[blue]{begin} {quoted(event.room)}{like}[/]: {quoted(event.reason)}{also}"


_LINES: dict[type[Event], Callable[[Any], str]] = {
    events.Inquired: lambda event: f"[dim]{event.calls} more questions about this frame put to the expert[/]",
    events.ToldLate: _answered_late,
    events.Corrected: lambda event: (
        f"[magenta]a person says[/] to question {event.turn}: {quoted(event.text)}"
    ),
    events.Revised: _revised,
    events.LearningHeld: lambda event: (
        f"[yellow]learning waits[/]: {quoted(event.reason)}" if event.reason else "[blue]learning goes on[/]"
    ),
    events.AdaptationStarted: lambda event: f"[yellow]note[/]: {quoted(event.note)}" if event.note else "",
    events.AdaptationPlanned: lambda event: f"[blue]the plan[/]: {quoted(event.text)}",
    events.LearningPaused: lambda event: f"[blue]learning {'waits' if event.paused else 'goes on'}[/]",
    events.AdaptationEnded: _ended,
    events.Consolidated: _home_consolidated,
    events.RoomsLearnt: _rooms_learnt,
    events.CameraLearnt: _camera_learnt,
    events.CameraChanged: _camera_changed,
    events.MicrophoneChanged: _microphone_changed,
    events.SpeechHeard: lambda event: f"[dim]heard[/]: {quoted(event.text)}",
    events.SpeechUnheard: lambda event: f"[yellow]no words were made out[/]: {quoted(event.reason)}",
    events.SceneChanged: _scene_changed,
    events.RoomRecognised: _recognised,
    events.RoomEntered: _entered,
    events.RecordingChanged: lambda event: (
        f"[blue]what happens is {'recorded again' if event.recording else 'not recorded from here on'}[/]"
    ),
    events.Activated: lambda event: (
        f"[blue]the student answers with adapter {quoted(event.adapter) or 'none'}[/]"
    ),
    events.Failed: _failed,
}
