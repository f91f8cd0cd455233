import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import AnswerError, QuestionError, RoomNameError
from core.text import (
    check_answer,
    check_question,
    check_room,
    did_you_mean,
    nearest,
    room_name,
    strip_controls,
)


@given(st.text())
def test_stripped_text_holds_nothing_that_a_terminal_would_obey(text: str) -> None:
    stripped = strip_controls(text)
    assert all(unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} for c in stripped)
    assert strip_controls(stripped) == stripped


@given(st.text(alphabet=st.characters(whitelist_categories=["L", "N", "P", "M"]), min_size=1))
def test_visible_text_is_left_alone(text: str) -> None:
    assert strip_controls(text) == text


def test_controls_vanish_and_white_space_collapses() -> None:
    assert strip_controls("  what\tis\r\n\x1b[31mred\u202e?\x00 ") == "what is [31mred?"


@pytest.mark.parametrize("text", ["", "   ", "\x00\x1b", "\u200b\u202e"])
def test_a_question_without_anything_visible_is_refused(text: str) -> None:
    with pytest.raises(QuestionError, match="empty"):
        check_question(text)


@pytest.mark.parametrize("length", [1001, 100_000])
def test_a_long_question_is_refused(length: int) -> None:
    with pytest.raises(QuestionError, match="at most 1000 characters"):
        check_question("x" * length)


def test_a_question_is_returned_clean() -> None:
    assert check_question("What  is\nthis?\x07") == "What is this?"
    assert check_question("x" * 1000) == "x" * 1000


def test_an_answer_to_remember_has_words() -> None:
    assert check_answer(" on\tthe \x1b[0m table ") == "on the [0m table"
    for text in ("", " \n\x00", "x" * 4001, " " * 40_001 + "x"):
        with pytest.raises(AnswerError, match=r"\.$"):
            check_answer(text)


@pytest.mark.parametrize("name", ["kitchen", "nyu-train-000", "2", "a_b"])
def test_a_rooms_name_can_name_a_folder(name: str) -> None:
    assert check_room(name) == name


@pytest.mark.parametrize("name", ["", "..", "a/b", "Kitchen", "a b", "x" * 65, "-a", "küche", "a\n", "\x1b"])
def test_other_names_of_rooms_are_refused(name: str) -> None:
    with pytest.raises(RoomNameError, match=r"for example living-room\.$"):
        check_room(name)


def test_the_nearest_name_comes_first() -> None:
    names = ["builtin-student", "builtin-expert", "florence"]
    assert nearest("builtin-studnet", names)[0] == "builtin-student"
    assert nearest("FLORENCE", names) == ["florence"]
    assert nearest("zzz", names) == []


@given(st.text(max_size=200), st.lists(st.text(max_size=20)), st.integers(1, 5))
def test_nearest_only_returns_choices(name: str, choices: list[str], n: int) -> None:
    found = nearest(name, choices, n)
    assert len(found) <= n and set(found) <= set(choices)


def test_the_remedy_lists_all_when_none_is_near() -> None:
    assert did_you_mean("zzz", ["ask", "bench"]) == "Known: ask, bench."
    assert did_you_mean("akk", ["ask", "bench"]) == "Did you mean ask?"


@given(st.text())
def test_any_text_gives_a_name_for_a_room(text: str) -> None:
    name = room_name(text)
    assert check_room(name) == name
    assert room_name(name) == name


def test_a_rooms_name_stays_readable() -> None:
    assert room_name("Living Room") == "living-room"
    assert room_name("\u304a\u3075\u308d") == "room"
