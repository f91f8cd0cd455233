"""The dashboard: keys, screens, and the way to and from a console.

Whatever the session does, it does on other threads; what is heard of it waits in a mailbox, and what is
wanted of it comes back as a message. Nothing here waits, so a key is always answered.
"""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from functools import reduce
from typing import Any, ClassVar

from textual import on
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.css.query import NoMatches
from textual.message import Message
from textual.screen import Screen

from agent.console.protocol import Console, Pause, Pulse, Record, Setting, Settings, Wish
from core.config import load_config
from core.errors import RoomwiseError
from core.events import Asked
from core.extras import require
from core.files import state_dir
from tui.adapters import AdaptersScreen
from tui.bar import SCREENS
from tui.front import FrontScreen
from tui.mailbox import Mailbox
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
"""Seconds between two looks into the mailbox: it is painted at most so often."""
_IDLE = 3
"""Looks for one painting where nothing happens but time."""
_HUSH = 2
"""Looks for which a question has the processor to itself."""


class Replied(Message):
    """What was wanted is there, or has failed."""

    def __init__(self, future: "Future[Any]", then: Then | None, failed: Failed | None, quiet: bool) -> None:
        super().__init__()
        self.future, self.then, self.failed, self.quiet = future, then, failed, quiet


class Dashboard(App[None]):
    """A screen before a session. `sharp` makes widgets of textual-image. `clock` is monotonic, `calendar`
    says seconds since 1970.
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
        """Whether anything was heard yet."""
        self.stale_ms = 2000.0
        self.sharp = sharp
        """Makes a widget that draws pictures better than in cells, where one was asked for."""
        self.state = State()
        self._put, self._listen = console.put, console.listen
        self._clock, self._calendar = clock, calendar
        self._mailbox = Mailbox()
        self._pulse_at = clock()
        self._hushed = self._idle = 0
        self._leave: Callable[[], None] = lambda: None
        for one in THEMES.values():
            self.register_theme(one)
        self.theme = THEMES[theme].name

    def on_mount(self) -> None:
        self._leave = self._listen(self._mailbox.hear)
        self.set_interval(_TICK, self._tick)
        self.want(Settings(), self._set_up, failed=lambda: None, quiet=True)

    def on_unmount(self) -> None:
        self._leave()

    def moment(self) -> Now:
        """The moment it is."""
        return Now(self._calendar(), max(0.0, self._clock() - self._pulse_at))

    def want(
        self, wish: Wish, then: Then | None = None, failed: Failed | None = None, quiet: bool = False
    ) -> None:
        """Want something. The reply comes to `then` on this thread; a failure is told unless `quiet`."""
        try:
            future = self._put(wish)
        except RoomwiseError as error:
            self._complain(str(error), quiet)
            if failed is not None:
                failed()
            return

        def post(done: "Future[Any]") -> None:
            with suppress(RuntimeError):  # the screen has gone in the meantime
                self.post_message(Replied(done, then, failed, quiet))

        future.add_done_callback(post)

    @on(Replied)
    def _replied(self, message: Replied) -> None:
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
        """Take what was heard, and draw: frames grow old also when nothing is heard."""
        heard = self._mailbox.take()
        if any(isinstance(one, Pulse) for one in heard):
            self._pulse_at = self._clock()
        self.told = self.told or bool(heard)
        if any(isinstance(one, Asked) for one in heard):
            self._hushed = _HUSH
        self.state = reduce(fold, heard, self.state)
        if self.state.answering and self._hushed:
            self._hushed -= 1
            return  # on a small machine an answer waits for who paints beside it
        self._idle += 1
        if self._idle < _IDLE and all(isinstance(one, Pulse) for one in heard):
            return
        self._idle = 0
        for screen in self._open_screens():
            screen.draw(self.state, self.moment())

    def _open_screens(self) -> list[DashScreen]:
        """What is seen, be it below a dialog."""
        return [screen for screen in self.screen_stack if isinstance(screen, DashScreen)]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing else is done while a dialog is open."""
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
        self.want(Pause(not self.state.paused))

    def action_record(self) -> None:
        recording = self.state.pulse is None or self.state.pulse.recording
        self.want(Record(not recording))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Everything that has a key, by its name."""
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
