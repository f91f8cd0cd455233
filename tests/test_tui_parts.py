"""Pictures on a screen: damaged ones become words, and sharper drawing is used where it was asked for."""

import importlib.util
from typing import Any

import pytest
from textual.widgets import Static
from tiny_console import FakeConsole, pulse, session
from tiny_screens import run, shown, text, until

from agent.console import Back
from core.config import load_config
from core.errors import ConfigError, MissingDependencyError
from tui.app import show
from tui.live import LiveView


class Sharp(Static):
    """What a widget of textual-image looks like to us."""

    image: Any = None


def test_a_damaged_frame_is_told_in_words_and_the_next_one_is_shown() -> None:
    async def story() -> None:
        console = FakeConsole(Back(session(1)), pulse(frame=b"\xff\xd8 no picture"))
        moments = iter(range(10_000))
        async with shown(console, (120, 40), calendar=lambda: float(next(moments))) as (app, pilot):
            await until(pilot, lambda: "The frame is not a JPEG" in text(app))
            console.tell(pulse())
            await until(pilot, lambda: "The frame is not a JPEG" not in text(app))

    run(story())


def test_a_sharper_widget_gets_the_picture_and_goes_when_there_is_none() -> None:
    async def story() -> None:
        console = FakeConsole()
        moments = iter(range(10_000))
        async with shown(console, sharp=Sharp, calendar=lambda: float(next(moments))) as (app, pilot):
            sharp = app.screen.query_one(LiveView).query_one(Sharp)
            assert sharp.image.size == (320, 320) and sharp.display
            console.tell(pulse(frame=b"broken"))
            await until(pilot, lambda: sharp.image is None and not sharp.display)

    run(story())


def test_the_screen_is_told_before_it_opens_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROOMWISE_SCREEN__PICTURES", "kitty")
    if importlib.util.find_spec("textual_image") is not None:
        pytest.skip("textual-image is installed here")
    with pytest.raises(MissingDependencyError, match=r"roomwise\[pictures\]"):
        show(FakeConsole())
    monkeypatch.setenv("ROOMWISE_SCREEN__PICTURES", "oils")
    with pytest.raises(ConfigError, match=r"screen\.pictures"):
        load_config()
