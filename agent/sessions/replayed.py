"""A recording before a screen: it happens again, at its own pace or another, with no model asked."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image

from agent import console
from agent.recording.record import Recording, pause_between
from agent.sessions.replayed_past import remembrances, settings, versions
from agent.sessions.sessions import export_aside, session_lines
from agent.sessions.turns import finite
from core.errors import InputError, RoomwiseError
from core.events import Asked, Event, LearningPaused, Resumed
from core.files import state_dir
from core.frames import encode
from core.pictures import read_picture

_PULSE = 0.2  # seconds
_WIDE = 320  # pixels, of the frame that a pulse carries
_MOST_PIXELS = 50_000_000


@dataclass
class _Listener:
    """A listener, and whether it has the current frame."""

    hear: console.Hear
    fresh: bool = False


class ReplayedConsole:
    """A recorded session as a `Console`. It begins when somebody first listens."""

    def __init__(self, recording: Recording, speed: float = 1.0, state: Path | None = None) -> None:
        """`speed` divides the time between events, 0 skips it. `state` is where other sessions are."""
        self._recording, self._speed = recording, speed
        self._state = state_dir() if state is None else state
        self._lock = threading.RLock()
        self._closed, self._begun = threading.Event(), False
        self._listeners: list[_Listener] = []
        self._past: list[Event] = []
        self._frame, self._pulse = b"", console.Pulse(recording=False)
        self._files = ThreadPoolExecutor(1, "replayed")
        self._thread = threading.Thread(target=self._play, name="replayed", daemon=True)

    def listen(self, hear: console.Hear) -> Callable[[], None]:
        """Get what has happened so far, then what happens. Calling the result stops it."""
        listener = _Listener(hear)
        with self._lock:
            hear(console.Back(tuple(self._past)))
            self._listeners.append(listener)
            if not self._begun and not self._closed.is_set():
                self._begun = True
                self._thread.start()
        return lambda: self._forget(listener)

    def put(self, wish: console.Wish) -> "Future[Any]":
        """Look-ups are answered; changes are refused with an InputError."""
        try:
            return self._files.submit(self._reply, wish)
        except RuntimeError:  # closed meanwhile
            future: Future[Any] = Future()
            future.set_exception(InputError("This recording is closed. Open it again: roomwise replay"))
            return future

    def close(self) -> None:
        self._closed.set()
        if self._begun:
            self._thread.join()
        self._files.shutdown(cancel_futures=True)

    def _reply(self, wish: console.Wish) -> Any:
        with self._lock:
            past, about = tuple(self._past), self._recording.about
        match wish:
            case console.Picture():
                return self._recording.blob(wish.frame, ".jpg").read_bytes()
            case console.Find():
                return remembrances(past, wish)
            case console.Versions():
                return versions(past)
            case console.Sessions():
                return session_lines(self._state)
            case console.Export():
                return str(export_aside(wish.session, wish.format, self._state))
            case console.Settings():
                return settings(about)
        raise InputError(
            "This is a recording: it can be watched, not changed. For a new session: roomwise run"
        )

    def _play(self) -> None:
        due, previous = time.monotonic(), None
        for event in self._recording.events:
            due += self._gap(previous, event)
            previous = event
            if not self._wait(due):
                return
            self._happen(event)
        while not self._closed.wait(_PULSE):
            self._beat()

    def _gap(self, previous: Event | None, event: Event) -> float:
        """Seconds to wait for an event. Nothing happened between a stop and going on."""
        if previous is None or isinstance(event, Resumed) or not self._speed:
            return 0.0
        return pause_between(finite(previous.at), finite(event.at)) / self._speed

    def _wait(self, due: float) -> bool:
        """Send pulses until an event is due; False when closed."""
        while (left := due - time.monotonic()) > 0:
            if self._closed.wait(min(left, _PULSE)):
                return False
            self._beat()
        return not self._closed.is_set()

    def _happen(self, event: Event) -> None:
        if isinstance(event, Asked):
            self._show(event)
        elif isinstance(event, LearningPaused):
            self._pulse = replace(self._pulse, learning=not event.paused)
        with self._lock:
            self._past.append(event)
            for listener in tuple(self._listeners):
                self._tell(listener, event)
        if isinstance(event, Asked):
            self._beat()

    def _show(self, asked: Asked) -> None:
        """Show the question's frame, as old as it was then."""
        problem, frame = "", b""
        try:
            if asked.frame:
                frame = small(self._recording.blob(asked.frame, ".jpg"))
            else:
                problem = f"The frame of question {asked.turn} was taken out of this recording."
        except RoomwiseError as error:
            problem = str(error)
        age = finite(asked.frame_age_ms) if frame else None
        with self._lock:
            self._frame, self._pulse = frame, replace(self._pulse, camera=problem, age_ms=age)
            for listener in self._listeners:
                listener.fresh = False

    def _beat(self) -> None:
        with self._lock:
            for listener in tuple(self._listeners):
                self._tell(listener, replace(self._pulse, frame=b"" if listener.fresh else self._frame))
                listener.fresh = True

    def _tell(self, listener: _Listener, message: console.ConsoleMessage) -> None:
        try:
            listener.hear(message)
        except Exception:  # noqa: BLE001  # a screen that is gone must not stop the others
            self._forget(listener)

    def _forget(self, listener: _Listener) -> None:
        with self._lock:
            if listener in self._listeners:
                self._listeners.remove(listener)


def small(path: Path) -> bytes:
    """A frame as a small JPEG. Raises ImageError."""
    picture = read_picture(path, str(path), _MOST_PIXELS)
    picture.thumbnail((_WIDE, _WIDE), Image.Resampling.BILINEAR)
    return encode(picture, 80)
