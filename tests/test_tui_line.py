"""What a person types or pastes is not lost: not in lines, not by its length, not while nobody is there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events
from textual.widgets import Input
from tiny_console import FakeConsole
from tiny_screens import run, shown, told, until

from agent.console import Ask, Correct, Find, Revise
from core.errors import InputError
from core.text import strip_controls
from tui.asking import QuestionInput
from tui.dialogs import AnswerDialog, Correcting
from tui.line import one_line
from tui.memory import MemoryTable

_AWAY = InputError("The agent is not there. Ask again when it is back.")


@pytest.mark.parametrize(
    ("pasted", "before", "line"),
    [
        ("What colour is\nthe sofa?", "", "What colour is the sofa?"),
        ("\r\n\r\nWhat colour\r\nis\tthe sofa?", "", "What colour is the sofa?"),
        ("the sofa?\n", "What is ", "the sofa? "),
        ("\nthe sofa?", "What is", " the sofa?"),
        ("fa?", "the so", "fa?"),
        (
            "\x1b[1;31mred\x1b[0m\x00 \x1b]8;;http://x\x07so\u202efa\x1b]8;;\x1b\\ \x9b2J\ud800",
            "",
            "red sofa",
        ),
        ("\n\n", "", ""),
        ("", "", ""),
    ],
)
def test_lines_become_one(pasted: str, before: str, line: str) -> None:
    assert one_line(pasted, before) == line


@given(st.text())
def test_no_word_is_lost(text: str) -> None:
    if "\x1b" not in text and "\x9b" not in text:
        assert one_line(text, "").strip() == strip_controls(text)


def test_a_question_of_several_lines_is_asked_whole() -> None:
    async def story() -> None:
        console = FakeConsole()
        async with shown(console) as (app, pilot):
            line = app.screen.query_one(QuestionInput)
            line.post_message(events.Paste("What colour is\nthe sofa\nby the window?\n"))
            await pilot.press("enter")
            await until(pilot, lambda: bool(console.wanted(Ask)))
            assert console.wanted(Ask) == [Ask("What colour is the sofa by the window?")]

    run(story())


def test_what_is_too_long_stays_to_be_shortened() -> None:
    async def story() -> None:
        console = FakeConsole()
        async with shown(console) as (app, pilot):
            line = app.screen.query_one(QuestionInput)
            line.post_message(events.Paste("word\n" * 2000))
            await pilot.press("enter")
            await until(pilot, lambda: "at most 1000 characters" in told(app))
            assert len(line.value) == 10_000 and not console.wanted(Ask)
            await pilot.press("ctrl+n")
            app.screen.query_one(Input).post_message(events.Paste("long\n" * 1000))
            await pilot.press("enter")
            await until(pilot, lambda: "at most 4000" in told(app))
            assert len(app.screen.query_one(Input).value) == 5000 and not console.wanted(Correct)

    run(story())


def test_every_line_takes_pasted_lines() -> None:
    async def story() -> None:
        console = FakeConsole()
        async with shown(console, (120, 40)) as (app, pilot):
            await pilot.press("ctrl+n")
            app.screen.query_one(Input).post_message(events.Paste("on the\r\nshelf"))
            await pilot.press("enter")
            await until(pilot, lambda: [wish.answer for wish in console.wanted(Correct)] == ["on the shelf"])
            await pilot.press("f3", "slash")
            app.screen.query_one(Input).post_message(events.Paste("desk\nlamp"))
            await until(pilot, lambda: Find("desk lamp") in console.wanted(Find))
            await pilot.press("f6", "slash")
            app.screen.query_one(Input).post_message(events.Paste("camera\nsource"))
            await until(pilot, lambda: app.screen.query_one(Input).value == "camera source")

    run(story())


def test_what_is_typed_while_nobody_is_there_comes_back() -> None:
    async def story() -> None:
        console = FakeConsole()
        console.held.add(Ask)
        async with shown(console) as (app, pilot):
            line = app.screen.query_one(QuestionInput)
            await pilot.press(*"first", "enter", *"next")
            await until(pilot, lambda: bool(console.waiting))
            console.waiting[0].set_exception(_AWAY)
            await until(pilot, lambda: "not there" in told(app))
            assert line.value == "next"
            await pilot.press("up")
            assert line.value == "first"
            await pilot.press("down")
            assert line.value == "next"

    run(story())


def test_a_correction_that_did_not_arrive_is_there_to_be_sent_again() -> None:
    async def story() -> None:
        console = FakeConsole()
        console.replies[Correct] = console.replies[Revise] = _AWAY
        async with shown(console, (120, 40)) as (app, pilot):
            await pilot.press("ctrl+n", "up", *"the cat", "enter")
            await until(pilot, lambda: "not there" in told(app) and isinstance(app.screen, Correcting))
            assert app.screen.query_one(Input).value == "the cat"
            console.replies[Correct] = None
            await pilot.press("enter")
            await until(pilot, lambda: console.wanted(Correct) == [Correct(7, "the cat")] * 2)
            await pilot.press("f3")
            await until(pilot, lambda: bool(app.screen.query_one(MemoryTable).row_count))
            await pilot.press("c", "end", "!", "enter")
            await until(pilot, lambda: bool(console.wanted(Revise)) and isinstance(app.screen, AnswerDialog))
            assert app.screen.query_one(Input).value.endswith("!")

    run(story())
