"""What a session amounts to, as a terminal shows it."""

import io

import pytest
from rich.console import Console
from tiny_events import session_events

from agent.recording.summary import Summary, summarise
from agent.replay.outcome import figures, show_summary, size
from agent.replay.plot import terminal_curve
from core.events import AdaptationProgressed, Event, Used

_USED = Used(
    at=9, peak_bytes=1_500_000_000, child_peak_bytes=900_000_000, memory_bytes=20_000,
    adapter_bytes=4_300_000, recording_bytes=999,
)  # fmt: skip


def _shown(summary: Summary) -> str:
    file = io.StringIO()
    show_summary(summary, Console(file=file, width=80, force_terminal=True, color_system=None))
    return file.getvalue()


def test_it_shows_curve_table_and_figures() -> None:
    shown = _shown(summarise([*session_events(), _USED]))
    assert "● student" in shown and "○ untouched" in shown
    assert "2 of 3 answers were right." in shown
    assert "asked 1 times; after the warm-up 2 questions did without it" in shown
    assert "adapter 0001 promoted. better" in shown
    assert "1.5 GB" in shown and "4.3 MB" in shown and "999 bytes" in shown
    assert max(len(line) for line in shown.splitlines()) <= 80
    row = next(line for line in shown.splitlines() if "new-fact" in line)
    assert "1.00" in row and "0.00" in row


def test_a_training_that_was_cut_short_is_told() -> None:
    def said(step: int) -> str:
        progress = AdaptationProgressed(at=1, job="j", step=step, steps=40, loss=1.0)
        return " ".join(figures(summarise([*session_events(), progress])))

    assert "Its time was up at step 39 of 40" in said(39)
    assert "time was up" not in said(40)


def test_nothing_at_all_is_shown_too() -> None:
    shown = _shown(summarise([]))
    assert "●" not in shown and "none" in shown


@pytest.mark.parametrize("kept", range(len(session_events()) + 1))
def test_a_log_cut_off_anywhere_is_shown(kept: int) -> None:
    events: list[Event] = session_events()[:kept]
    assert list(figures(summarise(events)))
    list(terminal_curve(summarise(events)))


def test_the_lines_are_where_the_shares_are() -> None:
    lines = [line.plain for line in terminal_curve(summarise(session_events()))]
    grid = lines[1:10]
    # Question 1: right, as the student untouched was; 2: right again; 3: wrong, so two of three.
    assert [row for row, line in enumerate(grid) if "●" in line] == [0, 3]
    assert "".join(lines[10].split()) == "byess"
    assert "".join(lines[11].split()) == "right++-"


@pytest.mark.parametrize(("count", "said"), [(0, "0 bytes"), (9_949, "9.9 kB"), (25_000_000, "25 MB")])
def test_sizes_are_readable(count: int, said: str) -> None:
    assert size(count) == said
