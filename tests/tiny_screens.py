"""The dashboard on a terminal that is not there: keys in, cells out."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from string import ascii_letters
from typing import Any

from textual.pilot import Pilot
from tiny_console import BEGAN, FakeConsole

from tui.app import Dashboard
from tui.picture import UPPER_HALF

SNAPSHOTS = Path(__file__).parent / "snapshots" / "tui"
Shown = tuple[Dashboard, Pilot[None]]


@asynccontextmanager
async def shown(
    console: FakeConsole, size: tuple[int, int] = (80, 24), theme: str = "dark", **more: Any
) -> AsyncIterator[Shown]:
    """A dashboard that has drawn what the console told first. Its clocks stand still."""
    usual: dict[str, Any] = {"clock": lambda: 0.0, "calendar": lambda: BEGAN + 70}
    app = Dashboard(console, theme, **{**usual, **more})
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.told and getattr(app.screen, "ready", False))
        await ticks(pilot)
        yield app, pilot


async def ticks(pilot: Pilot[None], count: int = 2) -> None:
    """Let so many looks into the mailbox pass."""
    await pilot.pause(0.11 * count)
    await pilot.pause()


async def until(pilot: Pilot[None], true: Callable[[], bool], seconds: float = 8.0) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true in time"
        await pilot.pause(0.02)


def run(story: Coroutine[Any, Any, None]) -> None:
    """A test's story, to its end."""
    asyncio.run(story)


def lines(app: Dashboard) -> list[str]:
    """What is on the screen, a text a row."""
    return [strip.text for strip in app.screen._compositor.render_strips()]


def text(app: Dashboard) -> str:
    """What is on the screen, white space as single spaces."""
    return " ".join("\n".join(lines(app)).split())


def told(app: Dashboard) -> str:
    """What has been said in corners that go away."""
    return " ".join(note.message for note in app._notifications)


def painted(app: Dashboard) -> str:
    """What is on the screen with its styles: the rows, then for each row which style goes how far."""
    names: dict[str, str] = {}
    rows, styles = [], []
    for strip in app.screen._compositor.render_strips():
        rows.append(strip.text.rstrip())
        told: list[tuple[str, int]] = []
        for letters, style, _ in strip:
            plain = str(style) if style is not None else "none"
            name = "*" if letters.strip(UPPER_HALF) == "" else names.setdefault(plain, _name(len(names)))
            if told and told[-1][0] == name:
                told[-1] = (name, told[-1][1] + len(letters))
            else:
                told.append((name, len(letters)))
        styles.append(" ".join(f"{name}{count}" for name, count in told))
    legend = [f"{name}: {style}" for style, name in names.items()]
    return "\n".join([*rows, "", *styles, "", *legend, ""])


def _name(number: int) -> str:
    return ascii_letters[number] if number < len(ascii_letters) else f"<{number}>"


def check_snapshot(app: Dashboard, name: str) -> None:
    """Compare with what is kept under this name. UPDATE_SNAPSHOTS=1 keeps what there is now."""
    path = SNAPSHOTS / f"{name}.txt"
    now = painted(app)
    if os.environ.get("UPDATE_SNAPSHOTS"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(now, encoding="utf-8")
    assert path.is_file(), f"{path} is missing. Keep it with UPDATE_SNAPSHOTS=1."
    assert now == path.read_text(encoding="utf-8")
