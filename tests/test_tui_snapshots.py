"""Every screen as it was last looked at and found good: light and dark, narrow and wide."""

import time
from collections.abc import Callable, Iterator

import pytest
from textual.pilot import Pilot
from tiny_console import FakeConsole, learning_events, pulse, session, started
from tiny_screens import check_snapshot, run, shown, ticks

from agent.console import Back, Gone, Partial, Pulse
from tui.app import Dashboard
from tui.parts import PictureView

NARROW, WIDE = (80, 24), (200, 60)


@pytest.fixture(autouse=True)
def _same_everywhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(PictureView, "colours", "truecolor")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


async def _still(app: Dashboard, pilot: Pilot[None]) -> None:
    """No cursor that blinks."""
    for line in app.screen.query("Input"):
        line.cursor_blink = False  # type: ignore[attr-defined]
    await ticks(pilot, 4)


def _screen(name: str, console: FakeConsole, size: tuple[int, int], theme: str, *keys: str) -> None:
    async def story() -> None:
        async with shown(console, size, theme) as (app, pilot):
            for key in keys:
                await pilot.press(key)
                await ticks(pilot, 4)
            await _still(app, pilot)
            check_snapshot(app, f"{name}-{theme}-{size[0]}x{size[1]}")

    run(story())


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "200x60"])
@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("live", ()),
        ("memory", ("f3",)),
        ("adapters", ("f4", "down")),
        ("sessions", ("f5",)),
        ("settings", ("f6",)),
    ],
)
def test_a_screen(name: str, keys: tuple[str, ...], theme: str, size: tuple[int, int]) -> None:
    _screen(name, FakeConsole(), size, theme, *keys)


@pytest.mark.parametrize(
    ("name", "console", "keys"),
    [
        ("begun", lambda: FakeConsole(Back([started()]), Pulse()), ()),
        (
            "learning",
            lambda: FakeConsole(Back([*session(5), *learning_events()]), pulse(celsius=61.0, watts=9.5)),
            (),
        ),
        ("gone", lambda: FakeConsole(Back(session(3)), pulse(), Gone("The agent does not answer.")), ()),
        (
            "listening",
            lambda: FakeConsole(
                Back(session(3)),
                pulse(
                    age_ms=7400.0,
                    camera="The camera is gone. Plug it in.",
                    listening="speech",
                    recording=False,
                ),
                Partial(0, "what is on the"),
            ),
            (),
        ),
        ("expert", FakeConsole, ("ctrl+e", "h", "i")),
        ("wrong", FakeConsole, ("ctrl+n", "up")),
        ("look", FakeConsole, ("ctrl+l",)),
        ("forget", FakeConsole, ("f3", "down", "d")),
        ("help", FakeConsole, ("f1",)),
    ],
)
def test_a_moment(name: str, console: Callable[[], FakeConsole], keys: tuple[str, ...]) -> None:
    _screen(name, console(), NARROW, "dark", *keys)
