"""Foreign texts stay text; numbers read well."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.markup import escape
from textual.content import Content
from tiny_console import EVIL

from core.text import strip_controls
from tui.words import clip, clock, cut, duration, line_of, moment, plain, share, size


@given(st.text(), st.integers(1, 50))
def test_no_control_passes_and_nothing_is_longer_than_wanted(text: str, most: int) -> None:
    for shown in (plain(text, most), cut(text, most)):
        assert len(shown) <= most and strip_controls(shown) == shown.strip()


@given(st.text())
def test_what_is_escaped_is_shown_as_it_is(text: str) -> None:
    words = strip_controls(text).rstrip("\\")  # Rich doubles one at the end for good
    assert line_of(f"[red]x[/] {escape(words)}").plain == f"x {words}".rstrip()


@given(st.text(alphabet="[]/@\\=a$ red"))
def test_broken_markup_is_text(text: str) -> None:
    assert isinstance(line_of(text), Content)


def test_a_line_of_ours_takes_the_colours_of_the_theme() -> None:
    content = line_of(f"[blue]promoted[/]: {escape(EVIL)}")
    assert content.spans[0].style == "$accent" and len(content.spans) == 1
    assert "[@click=app.quit]q[/]" in content.plain and "\x1b" not in content.plain


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "-"), (float("nan"), "-"), (-4, "0 ms"), (0.0345, "34 ms"), (3.21, "3.2 s"), (41.2, "41 s"),
        (125, "2 min"), (7300, "2 h"), (400_000, "5 d"),
    ],
)  # fmt: skip
def test_durations(seconds: float | None, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("count", "words"), [(-1, "0 B"), (12, "12 B"), (8_200, "8 kB"), (812e6, "812 MB"), (1.25e9, "1.2 GB")]
)
def test_sizes(count: float, words: str) -> None:
    assert size(count) == words


def test_shares_and_moments() -> None:
    assert (share(0.824), share(None), share(float("inf"))) == ("82 %", "-", "-")
    assert moment("2026-11-21T14:05:59+00:00") == "2026-11-21 14:05" and moment("yesterday") == "yesterday"
    assert clock(1e30) == "-" and len(clock(0)) == 8


@given(st.text(alphabet="ab cd\n", max_size=80), st.integers(1, 12), st.integers(1, 5))
def test_clipped_texts_fit(text: str, columns: int, rows: int) -> None:
    lines = clip(Content(text), columns, rows).wrap(columns)
    assert len(lines) <= max(rows, 1)
