"""`roomwise run` from its settings to its end: the station opened, shown or served, and closed."""

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydantic
from rich.console import Console as Terminal

from agent.attach.place import Place, RemoteAccess, local_socket, remote_doors
from agent.attach.server import AttachServer
from agent.console import Console, ConsoleMessage
from agent.loop.build import SessionFolders, SessionOptions, live
from agent.recording.record import time_stamp
from agent.recording.visit import DEMO
from agent.sentences import quoted, read, sentence
from agent.sessions.sessions import SESSIONS
from agent.station.eyes import Make
from agent.station.station import Senses, Station
from agent.station.voice import Hearing, KeepSound, OnQuestion, Say, speaker_of
from agent.whereabouts.whereabouts import FRESH
from capture.audio_messages import MESSAGES
from capture.camera import Camera
from capture.camera_watch import Status
from capture.sources.choosing import camera_of, spec_of
from capture.speaker import Mute, Speaker
from capture.spec import Demo, OnDisk
from core.allocation import keep_freed_memory
from core.config import Config
from core.errors import ConfigError
from core.events import Event, SessionEnded, SessionStarted
from core.files import state_dir
from core.text import check_room

_SEED = 0
_SWITCH = 0.001
"""Seconds that a thread may hold the interpreter: answering asks for it after every operation."""

Show = Callable[[Console], None]
"""Shows a screen and returns when the person leaves it."""


@dataclass(frozen=True)
class RunOptions:
    """What to run: the room (None: the agent recognises it), settings, access. Without a `port` only this
    user may attach.
    """

    room: str | None
    config: Config
    listen: bool = True
    record: bool = True
    host: str = "127.0.0.1"
    port: int | None = None
    certificate: Path | None = None
    key: Path | None = None


def apply_changes(config: Config, changes: Mapping[str, Any]) -> Config:
    """The settings with these changes by dotted name; None changes nothing. Raises ConfigError."""
    sections: dict[str, dict[str, Any]] = {}
    for name, value in changes.items():
        section, _, key = name.partition(".")
        if value is not None:
            sections.setdefault(section, {})[key] = value
    try:
        sections_changed = {
            name: type(getattr(config, name)).model_validate({**dict(getattr(config, name)), **values})
            for name, values in sections.items()
        }
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ConfigError(
            f"{first['loc'][-1]} cannot be that: {first['msg']}. See: roomwise run --help"
        ) from None
    return config.model_copy(update=sections_changed)


def run(plan: RunOptions, show: Show | None) -> None:
    """Run a session until the screen is left; without a screen until SIGTERM, Ctrl-C or a fault. Raises what
    keeps it from beginning (UnknownModelError, WeightsError, ConfigError, StorageError, CaptureError,
    MissingDependencyError), and the fault that ends it.
    """
    keep_freed_memory()
    sys.setswitchinterval(_SWITCH)
    with ExitStack() as stack:
        # Keep what native libraries print off the screen.
        stack.enter_context(MESSAGES.hold(messages()))
        station = stack.enter_context(open_station(plan))
        if show is None:
            _serve(station)
        else:
            show(station)
        if station.over.done():
            station.over.result()


@contextmanager
def open_station(plan: RunOptions) -> Iterator[Station]:
    """A running station to which dashboards may attach. Raises as `run` does."""
    config = plan.config
    room, folder = None if plan.room is None else check_room(plan.room), state_dir()
    session = f"{SESSIONS}/{room or FRESH}-{time_stamp()}"
    wish = SessionOptions(
        config.student.model, config.expert.model, config.router.warm_up, _SEED, folder, live=True
    )
    access = RemoteAccess(
        config.attach.token.get_secret_value(), plan.host, plan.port, plan.certificate, plan.key
    )
    doors: list[Place] = [local_socket(), *remote_doors(access)]
    senses = Senses(_camera(config), _hearing(plan, mute := Mute()), _speaker(config, mute))
    station = Station(
        lambda watch, record: live(room, session, wish, config, watch, record),
        senses, room or FRESH, SessionFolders.below(folder, session), config, plan.record,
    )  # fmt: skip
    with AttachServer(station, doors, access.token), station:
        yield station


def messages() -> Path:
    """The file for what native libraries print."""
    return state_dir() / "native.log"


def _camera(config: Config) -> Make:
    spec = spec_of(config.camera)
    openable = OnDisk(DEMO) if isinstance(spec, Demo) else spec

    def make(tell: Callable[[Status], None]) -> Camera:
        camera = camera_of(openable, config.camera, tell, config.images.max_pixels)
        camera.name = spec.shown
        return camera

    return make


def _hearing(plan: RunOptions, mute: Mute) -> Callable[[Say, OnQuestion, KeepSound], Hearing | None]:
    if not plan.listen:
        return lambda say, ask, keep: None
    return lambda say, ask, keep: Hearing(plan.config.voice, messages(), mute, say, ask, keep)


def _speaker(config: Config, mute: Mute) -> Callable[[Say], Speaker | None]:
    return lambda say: speaker_of(config.voice, mute, say) if config.voice.speak else None


def _serve(station: Station) -> None:
    stop = threading.Event()
    station.over.add_done_callback(lambda over: stop.set())
    handlers = {
        number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGTERM, signal.SIGINT)
    }
    station.follow(Journal(Terminal(stderr=True)))
    try:
        # Waking now and then lets Python see a signal on every system.
        while not stop.wait(0.5):
            pass
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


class Journal:
    """Prints what becomes of a session, but not what is said in it."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def __call__(self, message: ConsoleMessage) -> None:
        line = _public(message) if isinstance(message, Event) else ""
        if line:
            line = f"{time.strftime('%H:%M:%S')}  {line}"
            self._terminal.print(read(line), highlight=False, soft_wrap=True)


def _public(event: Event) -> str:
    match event:
        case SessionStarted():
            return f"[bold]{quoted(event.room)}[/]: ready. See it with: roomwise dash"
        case SessionEnded():
            return f"ended after {event.turns} questions"
    return "" if event.private else sentence(event)
