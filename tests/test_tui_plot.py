"""Curves in cells."""

import math

from hypothesis import given
from hypothesis import strategies as st
from tiny_console import session

from agent.console import Back
from tui.plot import BLOCKS, braille, curve, meaning, sparkline, takeover
from tui.state import ShownTurn, State, fold

_TURNS = st.lists(
    st.builds(
        ShownTurn, number=st.integers(1, 400), question=st.text(max_size=3), 
        by=st.sampled_from(["expert", "student", None]),
        worth=st.none() | st.floats(), right=st.none() | st.booleans(), student=st.none() | st.booleans(),
    ),
    max_size=90,
)  # fmt: skip


@given(_TURNS, st.integers(0, 30), st.integers(0, 70), st.integers(0, 20))
def test_the_curve_fits_where_it_is_put(
    turns: list[ShownTurn], warm_up: int, columns: int, rows: int
) -> None:
    lines = takeover(turns, warm_up, columns, rows).plain.split("\n")
    assert len(lines) <= max(1, rows) and all(len(line) <= columns for line in lines)


def test_the_curve_of_a_session() -> None:
    state = fold(State(), Back(session()))
    turns = [state.turns[number] for number in sorted(state.turns)]
    assert [point for _, point in curve(turns)][:2] == [0.0, 0.5]
    assert meaning(turns) == "student right so far 62 %"
    *_, who = takeover(turns, 5, 60, 8).plain.split("\n")
    assert who.split() == ["who", *"●●●●●●○●"]
    assert "┊" in takeover(turns, 5, 60, 8).plain


def test_without_known_answers_the_line_is_what_the_student_is_held_worth() -> None:
    turns = [
        ShownTurn(1, "q", worth=0.25),
        ShownTurn(2, "q", worth=float("nan")),
        ShownTurn(3, "q", worth=0.5),
    ]
    assert [point for _, point in curve(turns)] == [0.25, 0.5]
    assert meaning(turns) == "student as good as the expert 50 %"
    assert meaning([]) == ""


def test_a_line_of_braille_goes_from_corner_to_corner() -> None:
    rows = braille([(0, 0), (1, 1)], 3, 2)
    assert rows[0][0] == " " and rows[1][0] != " " and rows[0][2] != " " and rows[1][2] == " "
    assert braille([(0.5, 0.5)], 1, 1) != [" "]


@given(st.lists(st.floats(), max_size=50), st.integers(0, 20))
def test_little_curves_are_blocks_and_fit(values: list[float], columns: int) -> None:
    line = sparkline(values, columns)
    assert len(line) <= columns and set(line) <= set(BLOCKS)


def test_little_curves_rise_where_the_values_do() -> None:
    assert sparkline([0, 1, 2, 3], 4) == "▁▃▆█"
    assert sparkline([5, 5], 4) == "▁▁"
    assert sparkline([0.5, 2.0], 4, low=0.0, high=1.0) == "▅█"
    assert sparkline([math.inf, -1e308, 5e-324], 4, low=0.0, high=5e-324) == "█▁█"
