"""The dashboard: keys, screens, and messages to and from a console; nothing here blocks."""

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from dataclasses import replace
from functools import reduce
from typing import Any, ClassVar

from textual import on
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.css.query import NoMatches
from textual.message import Message
from textual.screen import Screen

from agent import console
from agent.console import Back, Console, ConsoleMessage, Partial, Pulse, Setting, Wish
from core.config import load_config
from core.errors import RoomwiseError
from core.events import Asked
from core.extras import require
from core.files import state_dir
from tui.adapters import AdaptersScreen
from tui.bar import SCREENS
from tui.front import FrontScreen
from tui.manual import Manual, lines_of
from tui.memory import MemoryScreen
from tui.parts import Now
from tui.screens import HEIGHTS, WIDTHS, DashScreen, Failed, Then
from tui.sessions import SessionsScreen
from tui.settings import SettingsScreen
from tui.state import State, fold
from tui.terminal import LOG, own_terminal
from tui.themes import THEMES
from tui.words import plain

_TICK = 0.1
"""Seconds between two ticks, which empty the mailbox and may paint."""
_IDLE = 3
"""Ticks for one painting when nothing happens."""
_HUSH = 2
"""Ticks for which a question has the processor to itself."""


class Mailbox:
    """Keeps every event, and the newest of what replaces itself, until the screen takes them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[ConsoleMessage] = []

    def hear(self, message: ConsoleMessage) -> None:
        """Called on any thread; returns at once."""
        with self._lock:
            if isinstance(message, Back):
                self._waiting.clear()  # it repeats all of it
            last = self._waiting[-1] if self._waiting else None
            match last, message:
                case Pulse(), Pulse():
                    self._waiting[-1] = message if message.frame else replace(message, frame=last.frame)
                case Partial(), Partial() if last.turn == message.turn:
                    self._waiting[-1] = message
                case _:
                    self._waiting.append(message)

    def take(self) -> list[ConsoleMessage]:
        """All that waits, oldest first."""
        with self._lock:
            messages, self._waiting = self._waiting, []
        return messages


class Replied(Message):
    """The reply to a wish, or its failure."""

    def __init__(self, future: "Future[Any]", then: Then | None, failed: Failed | None, quiet: bool) -> None:
        super().__init__()
        self.future, self.then, self.failed, self.quiet = future, then, failed, quiet


class Dashboard(App[None]):
    """A screen before a session. `sharp` makes widgets of textual-image. `clock` is monotonic, `calendar`
    gives seconds since 1970.
    """

    TITLE = "Roomwise"
    CSS_PATH = "dashboard.tcss"
    ENABLE_COMMAND_PALETTE = True
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {
        screen.NAME: screen
        for screen in (FrontScreen, MemoryScreen, AdaptersScreen, SessionsScreen, SettingsScreen)
    }
    DEFAULT_MODE = "live"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "manual", "Help", key_display="F1", tooltip="This help", priority=True),
        *(
            Binding(key, f"open('{name}')", title, show=False, tooltip=f"Go to: {title}", priority=True)
            for key, name, title in SCREENS
        ),
        Binding("f8", "pause", "Learning", key_display="F8", tooltip="Let learning wait, or go on"),
        Binding("f9", "record", "Record", key_display="F9", tooltip="Keep what happens, or do not"),
        Binding("ctrl+t", "light", "Theme", show=False, tooltip="Light or dark", priority=True),
        Binding("ctrl+p", "command_palette", "Commands", show=False, tooltip="Find a command by its name"),
        Binding("ctrl+q", "quit", "Quit", show=False, tooltip="Leave; a session that is attached to goes on"),
    ]

    def __init__(
        self,
        console: Console,
        theme: str = "dark",
        sharp: Callable[[], Any] | None = None,
        clock: Callable[[], float] = time.monotonic,
        calendar: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()
        self.told = False
        """Whether any message has come yet."""
        self.stale_ms = 2000.0
        self.sharp = sharp
        """Makes a widget that draws pictures better than in cells, if one is configured."""
        self.state = State()
        self._put, self._listen = console.put, console.listen
        self._clock, self._calendar = clock, calendar
        self._mailbox = Mailbox()
        self._pulse_at = clock()
        self._hushed = self._idle = 0
        self._leave: Callable[[], None] = lambda: None
        for available in THEMES.values():
            self.register_theme(available)
        self.theme = THEMES[theme].name

    def on_mount(self) -> None:
        self._leave = self._listen(self._mailbox.hear)
        self.set_interval(_TICK, self._tick)
        self.want(console.Settings(), self._set_up, failed=lambda: None, quiet=True)

    def on_unmount(self) -> None:
        self._leave()

    def moment(self) -> Now:
        return Now(self._calendar(), max(0.0, self._clock() - self._pulse_at))

    def want(
        self, wish: Wish, then: Then | None = None, failed: Failed | None = None, quiet: bool = False
    ) -> None:
        """Make a wish. The reply comes to `then` on this thread; a failure is shown unless `quiet`."""
        try:
            future = self._put(wish)
        except RoomwiseError as error:
            self._complain(str(error), quiet)
            if failed is not None:
                failed()
            return

        def post(future: "Future[Any]") -> None:
            with suppress(RuntimeError):  # the screen has gone in the meantime
                self.post_message(Replied(future, then, failed, quiet))

        future.add_done_callback(post)

    @on(Replied)
    def _handle_reply(self, message: Replied) -> None:
        words = ""
        try:
            value = message.future.result()
        except CancelledError:
            words = "It was not done: the session ended before. Start it again."
        except RoomwiseError as error:
            words = str(error)
        except Exception as error:  # noqa: BLE001  # a fault of the session is no reason to leave its screen
            words = f"The session failed at this ({type(error).__name__}: {error}). Please report it."
        else:
            if message.then is not None:
                with suppress(NoMatches):  # whoever wanted it has closed in the meantime
                    message.then(value)
            return
        self._complain(words, message.quiet)
        if message.failed is not None:
            message.failed()

    def _complain(self, words: str, quiet: bool) -> None:
        if not quiet:
            self.notify(plain(words, 400), severity="error", markup=False)

    def _set_up(self, settings: list[Setting]) -> None:
        for setting in settings:
            if setting.name == "camera.oldest_ms" and setting.value.isdecimal():
                self.stale_ms = float(setting.value)

    def _tick(self) -> None:
        """Take the messages and draw: frames age even without any."""
        messages = self._mailbox.take()
        if any(isinstance(message, Pulse) for message in messages):
            self._pulse_at = self._clock()
        self.told = self.told or bool(messages)
        if any(isinstance(message, Asked) for message in messages):
            self._hushed = _HUSH
        self.state = reduce(fold, messages, self.state)
        if self.state.answering and self._hushed:
            self._hushed -= 1
            return  # on a small machine painting would slow the answer
        self._idle += 1
        if self._idle < _IDLE and all(isinstance(message, Pulse) for message in messages):
            return
        self._idle = 0
        for screen in self._open_screens():
            screen.draw(self.state, self.moment())

    def _open_screens(self) -> list[DashScreen]:
        """The visible screens, also below a dialog."""
        return [screen for screen in self.screen_stack if isinstance(screen, DashScreen)]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disabled while a dialog is open."""
        if action in ("open", "manual") and self._modal:
            return False
        return super().check_action(action, parameters)

    @property
    def _modal(self) -> bool:
        return bool(self.screen_stack) and not isinstance(self.screen, DashScreen)

    async def action_open(self, name: str) -> None:
        await self.switch_mode(name)

    def action_manual(self) -> None:
        self.push_screen(Manual(self.screen.active_bindings))

    def action_light(self) -> None:
        dark = self.theme == THEMES["dark"].name
        self.theme = THEMES["light" if dark else "dark"].name

    def action_pause(self) -> None:
        self.want(console.Pause(not self.state.paused))

    def action_record(self) -> None:
        recording = self.state.pulse is None or self.state.pulse.recording
        self.want(console.Record(not recording))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Everything that has a key, by name."""
        for keys, active in lines_of(screen.active_bindings):
            binding, node = active.binding, active.node
            words = binding.tooltip or binding.description

            async def run(action: str = binding.action, node: Any = node) -> None:
                await self.run_action(action, node)

            yield SystemCommand(f"{binding.description}  {keys}", words, run)


def show(console: Console) -> None:
    """Show a session until somebody leaves. Raises MissingDependencyError, ConfigError, StorageError."""
    screen = load_config().screen
    # Imported before the screen is taken: it asks the terminal how large a cell is.
    widgets = require("textual_image.widget", "pictures") if screen.pictures != "cells" else None
    sharp = getattr(widgets, "TGPImage" if screen.pictures == "kitty" else "SixelImage") if widgets else None
    with own_terminal(state_dir() / LOG):
        Dashboard(console, screen.theme, sharp).run()
