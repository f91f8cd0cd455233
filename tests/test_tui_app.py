"""Keys, and what they want of the session; what the session tells, and where it is seen."""

import threading
from concurrent.futures import CancelledError
from typing import Any

import pytest
from textual.widgets import Input
from tiny_console import EVIL, SESSIONS, FakeConsole, learning_events, pulse, session, turn_events
from tiny_screens import lines, run, shown, text, ticks, told, until

from agent.console import (
    Ask,
    Back,
    Choose,
    Correct,
    Export,
    Find,
    Gone,
    Overlay,
    Partial,
    Pause,
    Picture,
    Record,
    Revise,
    Talk,
)
from core.errors import CaptureError, InputError
from core.events import Activated, Asked, LearningPaused
from tui.asking import Asking, QuestionInput
from tui.dialogs import Choosing, Correcting, Looking, Sure
from tui.live import LiveView
from tui.manual import Manual
from tui.memory import MemoryTable
from tui.table import Table


def test_a_question_is_typed_answered_and_seen() -> None:
    async def story() -> None:
        console = FakeConsole(Back(session(5)), pulse())
        async with shown(console, (120, 40)) as (app, pilot):
            await pilot.press(*"what now", "enter")
            await until(pilot, lambda: console.wanted(Ask) == [Ask("what now")])
            assert app.screen.query_one(QuestionInput).value == ""
            asked, *rest = turn_events(6)
            console.tell(asked, Partial(6, "gre"))
            await until(pilot, lambda: "gre▌" in text(app))
            console.tell(*rest)
            await until(pilot, lambda: "student green" in text(app))
            await pilot.press("up", "up")
            assert app.screen.query_one(QuestionInput).value == "What stands on the desk?"
            await pilot.press("down", "down")
            assert app.screen.query_one(QuestionInput).value == ""

    run(story())


def test_the_expert_is_asked_this_time_only() -> None:
    async def story() -> None:
        console = FakeConsole()
        async with shown(console) as (_, pilot):
            await pilot.press("ctrl+e", "a", "enter", "b", "enter", "ctrl+e", "ctrl+e", "c", "enter", "enter")
            await until(pilot, lambda: len(console.wanted(Ask)) == 3)
            assert console.wanted(Ask) == [Ask("a", "expert"), Ask("b"), Ask("c")]

    run(story())


def test_a_refused_question_is_told_and_put_back() -> None:
    async def story() -> None:
        console = FakeConsole()
        console.replies[Ask] = CaptureError(f"The newest frame is old. {EVIL} Plug in the camera.")
        async with shown(console, (120, 40)) as (app, pilot):
            await pilot.press(*"hello", "enter")
            await until(pilot, lambda: app.screen.query_one(QuestionInput).value == "hello")
            await until(pilot, lambda: "[bold red]x[/]" in told(app) and "Plug in the camera." in told(app))

    run(story())


@pytest.mark.parametrize("fault", [ZeroDivisionError("x"), CancelledError(), InputError("No. Do this.")])
def test_no_fault_of_the_session_ends_the_screen(fault: BaseException) -> None:
    async def story() -> None:
        console = FakeConsole()
        console.held.add(Pause)
        async with shown(console) as (app, pilot):
            await pilot.press("f8")
            await until(pilot, lambda: bool(console.waiting))
            thread = threading.Thread(target=console.waiting[0].set_exception, args=(fault,))
            thread.start()
            thread.join()
            await until(pilot, lambda: bool(app._notifications))
            assert app.is_running

    run(story())


def test_space_talks_in_the_empty_line_alone() -> None:
    async def story() -> None:
        console = FakeConsole()
        async with shown(console) as (app, pilot):
            await pilot.press("space")
            await until(pilot, lambda: "speak, then space" in text(app))
            await pilot.press("space", "a", "space", "b")
            assert console.wanted(Talk) == [Talk(True), Talk(False)]
            assert app.screen.query_one(QuestionInput).value == "a b"

    run(story())


def test_talking_ends_when_the_microphone_has_heard_enough_or_is_not_there() -> None:
    async def story() -> None:
        console = FakeConsole()
        async with shown(console) as (app, pilot):
            asking = app.screen.query_one(Asking)
            await pilot.press("space")
            console.tell(pulse(listening="speech"), Partial(0, "where is"))
            await until(pilot, lambda: "where is" in text(app))
            console.tell(pulse(listening="busy"))
            await until(pilot, lambda: not asking.talking and "making it out" in text(app))
            console.replies[Talk] = CaptureError("There is no microphone. Plug one in.")
            await pilot.press("space")
            await until(pilot, lambda: not asking.talking and "Plug one in." in told(app))

    run(story())


def test_pausing_and_recording_turn_what_is() -> None:
    async def story() -> None:
        console = FakeConsole()
        async with shown(console) as (app, pilot):
            await pilot.press("f8", "f9")
            console.tell(LearningPaused(at=1, paused=True), pulse(recording=False))
            await until(pilot, lambda: "no rec" in text(app) and "learning paused" in text(app))
            await pilot.press("f8", "f9")
            await until(pilot, lambda: len(console.wanted(Record)) == 2)
            assert console.wanted(Pause) == [Pause(True), Pause(False)]
            assert console.wanted(Record) == [Record(False), Record(True)]

    run(story())


def test_a_wrong_answer_is_put_right() -> None:
    async def story() -> None:
        console = FakeConsole()
        async with shown(console) as (app, pilot):
            await pilot.press("ctrl+n", "up", "f3")
            assert isinstance(app.screen, Correcting), "no other screen opens over a dialog"
            await pilot.press(*"the cat", "enter")
            await until(pilot, lambda: console.wanted(Correct) == [Correct(7, "the cat")])
            await pilot.press("ctrl+n", "escape")
            assert len(app.screen_stack) == 1 and len(console.wanted(Correct)) == 1

    run(story())


def test_looking_shows_the_map_or_why_there_is_none() -> None:
    async def story() -> None:
        console = FakeConsole()
        async with shown(console) as (app, pilot):
            await pilot.press("ctrl+l")
            await until(pilot, lambda: isinstance(app.screen, Looking))
            assert console.wanted(Overlay) == [Overlay(8)]
            await pilot.press("escape")
            console.replies[Overlay] = InputError("This student tells nothing. Use another.")
            await pilot.press("ctrl+l")
            await until(pilot, lambda: "Use another." in told(app))

    run(story())


def test_memory_is_searched_corrected_and_forgotten() -> None:
    async def story() -> None:
        console = FakeConsole()
        async with shown(console, (120, 40)) as (app, pilot):
            await pilot.press("f3")
            await until(pilot, lambda: bool(console.wanted(Picture)))
            await pilot.press("slash", *"lamp")
            await until(pilot, lambda: Find("lamp") in console.wanted(Find))
            await until(
                pilot, lambda: app.screen.query_one(MemoryTable).row_count == 3 and "90 %" in text(app)
            )
            await pilot.press("enter", "down", "c")
            await pilot.press("end", *"!", "enter")
            await until(pilot, lambda: console.wanted(Revise) == [Revise(f"{6:032x}", "green!")])
            await pilot.press("d")
            await until(pilot, lambda: isinstance(app.screen, Sure))
            await pilot.press("n", "d", "y")
            await until(pilot, lambda: console.wanted(Revise)[1:] == [Revise(f"{6:032x}", None)])

    run(story())


def test_a_session_is_exported_and_played_where_that_is_possible() -> None:
    async def story() -> None:
        console = FakeConsole()
        console.replies[Export] = "/home/state/exports/one.mcap"
        async with shown(console, (120, 40)) as (app, pilot):
            await pilot.press("f5")
            await until(pilot, lambda: app.screen.query_one(Table).row_count == len(SESSIONS))
            name = app.screen.query_one(Table).chosen
            await pilot.press("e")
            await until(pilot, lambda: isinstance(app.screen, Choosing))
            await pilot.press("down", "enter")
            await until(pilot, lambda: console.wanted(Export) == [Export(str(name), "mcap")])
            await until(pilot, lambda: "Written: /home/state/exports/one.mcap" in told(app))
            await pilot.press("e", "escape", "p")  # a test has no terminal to make way in
            await until(pilot, lambda: f"roomwise replay {name} --dashboard" in told(app))
            assert len(console.wanted(Export)) == 1

    run(story())


def test_adapters_are_promoted_and_rolled_back() -> None:
    async def story() -> None:
        console = FakeConsole()
        async with shown(console) as (app, pilot):
            await pilot.press("f4")
            await until(pilot, lambda: "0002 ← 0001 ← student" in text(app) or "0003" in text(app))
            await pilot.press("p", "down", "p", "b")
            await until(pilot, lambda: console.wanted(Choose) == [Choose(3), Choose(None)])

    run(story())


def test_a_session_that_is_gone_says_so_and_comes_back() -> None:
    async def story() -> None:
        console = FakeConsole(Gone("Nobody listens at the socket."))
        async with shown(console) as (app, pilot):
            assert "Not connected: Nobody listens at the socket. Trying again." in text(app)
            console.tell(Back(session(2)), pulse())
            await until(pilot, lambda: "Not connected" not in text(app) and "yellow" in text(app))
            console.tell(Gone(f"killed {EVIL}"))
            await until(
                pilot, lambda: "Not connected: killed [bold red]x[/]" in text(app) and "▲ away" in text(app)
            )
            console.tell(Back(session(4)))
            await until(pilot, lambda: "backpack" in text(app))
            console.tell(Gone("It was stopped.", ended=True))
            await until(pilot, lambda: "The session has ended: It was stopped. Leave with ^q." in text(app))

    run(story())


def test_foreign_words_are_never_markup_nor_controls() -> None:
    async def story() -> None:
        events: list[Any] = [*session(1), Activated(at=1, adapter=EVIL)]
        console = FakeConsole(
            Back([*events, Asked(at=1, turn=2, question=EVIL, frame="f", frame_age_ms=1)]),
            pulse(camera=EVIL),
        )
        console.tell()
        async with shown(console, (160, 50)) as (app, pilot):
            console.tell(Partial(2, EVIL))
            await ticks(pilot, 3)
            shown_text = "\n".join(lines(app))
            assert shown_text.count("[@click=app.quit]q[/]") >= 3
            assert "\x1b" not in shown_text and "\u202e" not in shown_text
            await pilot.press("ctrl+n", "escape", "f3", "f4", "f5", "f6", "f2")
            assert app.is_running

    run(story())


def test_a_frame_grows_old_also_when_nothing_is_heard() -> None:
    async def story() -> None:
        seconds = [0.0]
        async with shown(FakeConsole(), clock=lambda: seconds[0]) as (app, pilot):
            view = app.screen.query_one(LiveView)
            assert view.border_subtitle == "120 ms old" and not view.has_class("-warning")
            seconds[0] = 3.0
            await ticks(pilot, 3)
            assert view.border_subtitle == "▲ 3.1 s old, nothing newer" and view.has_class("-warning")

    run(story())


@pytest.mark.parametrize("size", [(20, 60), (1, 1), (200, 5), (39, 14)])
def test_a_window_that_is_too_small_says_so(size: tuple[int, int]) -> None:
    async def story() -> None:
        async with shown(FakeConsole(), size) as (app, pilot):
            if size != (1, 1):
                assert "Too small" in text(app) and "40 x 14" in text(app)
            await pilot.resize_terminal(80, 24)
            await until(pilot, lambda: "Too small" not in text(app) and "conversation" in text(app))
            await pilot.press("a")
            assert app.screen.query_one(QuestionInput).value == "a"

    run(story())


def test_a_storm_of_sizes_breaks_nothing() -> None:
    async def story() -> None:
        console = FakeConsole()
        async with shown(console) as (app, pilot):
            for key in ("f2", "f3", "f4", "f1"):
                await pilot.press(key)
                for width, height in ((20, 3), (300, 90), (1, 1), (63, 13), (121, 37), (40, 14)):
                    console.tell(pulse(), *learning_events(3))
                    await pilot.resize_terminal(width, height)
            await pilot.press("escape", "f2")
            await pilot.resize_terminal(80, 24)
            await until(pilot, lambda: "conversation" in text(app))

    run(story())


def test_help_and_the_palette_say_what_is_bound() -> None:
    async def story() -> None:
        console = FakeConsole()
        async with shown(console, (100, 50)) as (app, pilot):
            await pilot.press("f1")
            await until(pilot, lambda: isinstance(app.screen, Manual))
            for words in ("^e The next question goes to the expert", "space Speak", "F9 Keep what happens"):
                assert words in text(app)
            await pilot.press("escape", "ctrl+p", *"wrong")
            await until(pilot, lambda: "An answer was wrong" in text(app))
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, Correcting))

    run(story())


def test_light_and_dark_and_out() -> None:
    async def story() -> None:
        console = FakeConsole()
        async with shown(console) as (app, pilot):
            await pilot.press("ctrl+t")
            assert app.theme == "roomwise-light"
            await pilot.press("ctrl+t")
            assert app.theme == "roomwise-dark"
            assert len(console.hearing) == 1
            await pilot.press("ctrl+q")
            await until(pilot, lambda: not app.is_running)
        assert console.hearing == []

    run(story())


def test_every_screen_has_its_key_and_the_keys_stay_at_hand() -> None:
    async def story() -> None:
        async with shown(FakeConsole(), (120, 40)) as (app, pilot):
            for key, word in (
                ("f3", "pairs"),
                ("f4", "versions"),
                ("f5", "kitchen"),
                ("f6", "********"),
                ("f2", "live"),
            ):
                await pilot.press(key)
                await until(pilot, lambda word=word: word in text(app))  # type: ignore[misc]
            assert isinstance(app.focused, Input)

    run(story())
