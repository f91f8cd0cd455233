"""A session as a terminal shows it while it happens."""

import io

import pytest
from rich.console import Console
from tiny_events import session_events

from agent.replay.show import Watcher
from core.events import (
    Activated,
    AdaptationEnded,
    AdaptationProgressed,
    AdaptationStarted,
    CameraLearnt,
    Event,
    ExpertUnreachable,
    Failed,
    RoomEntered,
    RoomRecognised,
    RoomsLearnt,
    SessionEnded,
    ToldLate,
)

_TRAINING: list[Event] = [
    AdaptationStarted(at=0, job="j", pairs=10),
    AdaptationProgressed(at=0, job="j", step=10, steps=40, loss=1.5),
    AdaptationProgressed(at=0, job="j", step=20, steps=40, loss=1.25),
    AdaptationProgressed(at=0, job="j", step=10, steps=40, loss=1.0),
    AdaptationEnded(at=0, job="j", promoted=False, reason="It forgets.", seconds=3),
]


def _shown(events: list[Event], terminal: bool = False) -> str:
    file = io.StringIO()
    watch = Watcher(Console(file=file, width=120, force_terminal=terminal, color_system=None))
    for event in events:
        watch(event)
    return file.getvalue()


def test_each_turn_says_who_answered_why_and_whether_it_was_right() -> None:
    lines = _shown(session_events()).splitlines()
    assert lines[0] == "den: builtin-student learns from builtin-expert"
    assert lines[1] == "  1  Question 1?"
    assert lines[2] == "     expert: a  0.50 sure, 90 ms, frame 0 ms old; because"
    assert lines[3] == "     right"
    assert "     wrong: b" in lines


def test_a_long_line_is_one_line_in_a_file_and_goes_on_indented_on_a_terminal() -> None:
    long = [Failed(at=0, what="adaptation", error="word " * 40)]
    assert _shown(list(long)).count("\n") == 1
    lines = _shown(list(long), terminal=True).splitlines()
    assert len(lines) == 2 and all(line.startswith("     ") for line in lines)


def test_without_a_terminal_training_is_told_in_lines() -> None:
    shown = _shown(_TRAINING)
    assert "adapting to 10 pairs" in shown and "adapting 20/40, loss 1.25" in shown
    assert shown.endswith("rejected after 3.0 s: It forgets.\n")


def test_on_a_terminal_it_is_a_bar_that_goes_away() -> None:
    shown = _shown([*_TRAINING, SessionEnded(at=0, turns=1)], terminal=True)
    assert "10/40" in shown and "loss 1.00" in shown
    assert shown.rstrip().endswith("It forgets.")
    assert "\x1b[?25h" in shown  # the cursor is back


def test_a_session_that_ends_while_training_leaves_no_bar() -> None:
    assert "\x1b[?25h" in _shown([_TRAINING[0], SessionEnded(at=0, turns=1)], terminal=True)


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (ExpertUnreachable(at=0, turn=1, reason="no [answer]"), "no expert: no [answer]"),
        (Failed(at=0, what="adaptation", error="[disk]"), "adaptation failed: [disk]"),
        (Failed(at=0, what="index", error="It is made again."), "note: It is made again."),
        (ToldLate(at=0, turn=4, text="[red]", confidence=1), "back and says to question 4: [red]"),
        (RoomsLearnt(at=0, rooms=4, pairs=80, seconds=3), "80 pairs of 4 rooms"),
        (
            RoomRecognised(at=0, room="den", likeness=0.8, probability=0.97, views=2),
            "this is den: 2 views of the camera, 97% sure",
        ),
        (RoomEntered(at=0, room="den", before="x", new=True, reason="[Why]."), "a new room, den: [Why]."),
        (
            RoomEntered(at=0, room="den", before="x", new=False, reason="Why", moved=True),
            "back in den: Why; what was asked until now is remembered for it",
        ),
        (
            RoomEntered(at=0, room="x", before="x", new=True, reason="Why", kind="office"),
            "a new room, x, most like an office: Why",
        ),
        (
            CameraLearnt(
                at=0, camera="[cam]", pairs=24, promoted=True, reason="[More].", seconds=9, version=1
            ),
            "scene encoder of [cam] promoted: 24 pairs of picture and depth, 9 s. [More].",
        ),
        (Activated(at=0, adapter="0002"), "the student answers with adapter 0002"),
        (Activated(at=0, adapter=""), "the student answers with adapter none"),
    ],
)
def test_what_else_happens_is_told_as_it_is(event: Event, said: str) -> None:
    assert said in _shown([event])
