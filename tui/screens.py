"""What all screens share: the lines above and below, what they may want, what they say without room."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, ClassVar, Protocol, cast

from textual import events
from textual.app import ComposeResult
from textual.css.query import NoMatches
from textual.screen import Screen
from textual.widgets import Footer, Static

from agent.console import Wish
from tui.bar import Banner, StatusLine, TopBar
from tui.parts import Now
from tui.state import State

LEAST_COLUMNS, LEAST_ROWS = 40, 14
"""What the screens need to be of use."""
WIDTHS = [(0, "-slim"), (64, "-narrow"), (120, "-wide")]
HEIGHTS = [(0, "-short"), (36, "-tall")]
"""Classes of a screen that is at least so wide, or high."""

Then = Callable[[Any], None]
Failed = Callable[[], None]


class ScreenHost(Protocol):
    """What a screen may use of the app."""

    state: State
    stale_ms: float
    """How old a frame may be before it is warned of, as the session is set."""

    def want(self, wish: Wish, then: Then | None = None, failed: Failed | None = None) -> None:
        """Want something of the session; `then` gets the reply on the screen's thread."""

    def moment(self) -> Now:
        """The moment it is."""


class DashScreen(Screen[None]):
    """A screen between the line of screens and the line of keys."""

    NAME: ClassVar[str] = ""
    ready = False
    """Whether its parts are there: it may be drawn."""

    @property
    def desk(self) -> ScreenHost:
        """The app, as far as screens may know it."""
        return cast(ScreenHost, self.app)

    def compose(self) -> ComposeResult:
        yield TopBar(self.NAME)
        yield Banner()
        yield from self.compose_body()
        yield StatusLine()
        yield Footer(show_command_palette=False)
        yield Static("", id="too-small", markup=False)

    def compose_body(self) -> ComposeResult:
        """What a screen has of its own."""
        raise NotImplementedError

    def draw(self, state: State, now: Now) -> None:
        if not self.ready:
            return
        with suppress(NoMatches):  # it is about to close, and some parts have gone already
            for part in (self.query_one(TopBar), self.query_one(Banner), self.query_one(StatusLine)):
                part.draw(state, now)
            self.draw_body(state, now)

    def draw_body(self, state: State, now: Now) -> None:
        """Bring what is the screen's own up to date."""

    def on_mount(self) -> None:
        self.ready = True
        self.draw(self.desk.state, self.desk.moment())

    def on_screen_resume(self) -> None:
        self.draw(self.desk.state, self.desk.moment())

    def on_resize(self, event: events.Resize) -> None:
        width, height = event.size
        small = width < LEAST_COLUMNS or height < LEAST_ROWS
        self.set_class(small, "-too-small")
        if small and self.ready:
            self.query_one("#too-small", Static).update(no_room(width, height))
        self.call_after_refresh(self._redraw)

    def _redraw(self) -> None:
        if self.is_attached and self.is_running:
            self.draw(self.desk.state, self.desk.moment())


def no_room(width: int, height: int) -> str:
    """What is said in a window that is too small."""
    return f"Too small: {width} x {height}. Make it {LEAST_COLUMNS} x {LEAST_ROWS} or more."


class FetchingScreen(DashScreen):
    """A screen of what does not change by itself: it looks anew each time that it is seen."""

    def action_fetch(self) -> None:
        """Look what there is now."""
        raise NotImplementedError

    def on_mount(self) -> None:
        super().on_mount()
        self.action_fetch()

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        if self.ready:
            self.action_fetch()
