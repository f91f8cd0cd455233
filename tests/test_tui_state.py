"""The fold: whatever is heard, in whatever order, there is a state to draw."""

import dataclasses
from collections.abc import Sequence
from functools import reduce
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_console import BEGAN, EVIL, learning_events, pulse, session, started, turn_events, verdict

from agent.console import Back, ConsoleMessage, Gone, Listening, Partial, Pulse
from core.events import (
    Activated,
    AdaptationEnded,
    AdaptationProgressed,
    AdaptationStarted,
    Answered,
    Asked,
    Corrected,
    Event,
    ExpertUnreachable,
    Failed,
    SessionEnded,
    SessionStarted,
    ToldLate,
)
from tui.conversation import turn_content
from tui.panels import learning, readings
from tui.parts import Now
from tui.plot import takeover
from tui.state import Note, State, fold

# What all kinds of events are made of is a long text when Hypothesis names it.
pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")
_TEXTS = st.text(max_size=12) | st.just(EVIL)
_NUMBERS = st.floats(width=32) | st.floats(0, 1)
_VALUES: dict[Any, st.SearchStrategy[Any]] = {
    str: _TEXTS, float: _NUMBERS, int: st.integers(-3, 12), bool: st.booleans(), bytes: st.just(b"")
}  # fmt: skip


def _value(kind: Any) -> st.SearchStrategy[Any]:
    if kind in _VALUES:
        return _VALUES[kind]
    choices = get_args(kind)
    if choices and all(isinstance(choice, str) for choice in choices):
        return st.sampled_from(choices)
    if type(None) in choices:
        return st.none() | _value(next(choice for choice in choices if choice is not type(None)))
    if "Mapping" in str(kind):
        return st.dictionaries(_TEXTS, _value(choices[1]), max_size=2)
    return st.lists(_value(choices[0]), max_size=2).map(tuple)


def _made(kind: type[Any]) -> st.SearchStrategy[Any]:
    hints = get_type_hints(kind)
    return st.builds(kind, **{spec.name: _value(hints[spec.name]) for spec in dataclasses.fields(kind)})


EVENTS = st.one_of([_made(kind) for kind in Event.__subclasses__()])
HEARD = st.one_of(
    EVENTS, EVENTS, EVENTS, _made(Pulse), _made(Partial), _made(Gone), st.lists(EVENTS).map(Back)
)


def _told(heard: Sequence[ConsoleMessage]) -> State:
    return reduce(fold, heard, State())


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(HEARD, max_size=25))
def test_anything_in_any_order_can_be_drawn(heard: list[ConsoleMessage]) -> None:
    state = _told(heard)
    turns = [state.turns[number] for number in sorted(state.turns)]
    assert {item for item in state.items if isinstance(item, int)} == set(state.turns)
    assert len([item for item in state.items if not isinstance(item, Note)]) == len(state.turns)
    for turn in turns:
        plain = turn_content(turn).plain
        assert "\x1b" not in plain and "\u202e" not in plain
    assert takeover(turns, 5, 40, 8).plain.count("\n") == 7
    assert all(name and value for name, value, _ in readings(state, 10))
    assert isinstance(learning(state, Now(), 30, 5).plain, str)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(EVENTS, max_size=20), st.integers(0, 20))
def test_to_be_back_is_to_have_heard_all_of_it(events: list[Event], cut: int) -> None:
    whole = fold(State(), Back(events))
    pieces = reduce(fold, events[cut:], fold(State(), Back(events[:cut])))
    assert repr(whole) == repr(pieces)  # nan is not itself
    assert repr(fold(pieces, Back(events))) == repr(whole)


def test_a_turn_from_question_to_correction() -> None:
    asked, *rest = turn_events(6)
    state = fold(fold(State(), started()), asked)
    assert state.answering and state.last is not None and state.last.question == "What color is the lamp?"
    state = fold(state, Partial(6, "gre"))
    assert state.turns[6].partial == "gre"
    state = reduce(fold, rest, state)
    turn = state.turns[6]
    assert (turn.by, turn.answer, turn.adapter, turn.right, turn.student) == (
        "student",
        "green",
        "0001",
        True,
        True,
    )
    assert turn.partial == "" and turn.worth == pytest.approx(0.82) and not state.answering
    state = fold(state, Corrected(at=1, turn=6, text="blue", pair="p"))
    assert state.turns[6].corrected == "blue" and state.items == (6,)


def test_a_question_asked_again_counts_as_asked_now() -> None:
    state = _told([*turn_events(1), *turn_events(2), turn_events(1)[0]])
    assert state.items == (2, 1) and not state.turns[1].answered


def test_what_comes_late_or_not_at_all_is_told_with_its_turn() -> None:
    asked = turn_events(1)[0]
    state = _told([
        asked,
        ExpertUnreachable(at=1, turn=1, reason="no route"),
        ToldLate(at=2, turn=1, text="left", confidence=1),
    ])
    assert (state.turns[1].unreachable, state.turns[1].late, state.items) == ("no route", "left", (1,))


def test_an_adaptation_from_start_to_verdict() -> None:
    state = _told(learning_events(300, 400))
    assert state.job is not None and state.learning and state.job.share == 0.75
    assert len(state.job.losses) <= 240 and state.job.losses[-1] == pytest.approx(0.2 + 2.4 / (1 + 300 / 9))
    state = fold(state, verdict(promoted=False))
    assert not state.learning and state.job is not None and state.job.ended == verdict(promoted=False)
    state = fold(state, AdaptationStarted(at=0, job="k", pairs=3))
    assert state.learning and state.job is not None and state.job.losses == ()
    assert fold(state, Failed(at=0, what="adaptation", error="disk full")).job is None


def test_progress_without_a_beginning_and_steps_without_an_end() -> None:
    state = fold(State(), AdaptationProgressed(at=1, job="j", step=5, steps=0, loss=1.0))
    assert state.job is not None and state.job.share == 0.0
    ended = AdaptationEnded(at=9, job="other", promoted=True, reason="", seconds=2)
    assert fold(state, ended).job is not None


def test_pulses_keep_the_newest_picture_and_a_minute_of_meters() -> None:
    state = _told([pulse(frame=b"one"), *(pulse(frame=b"", processor=number / 100) for number in range(99))])
    assert state.frame == b"one" and len(state.processor) == 60 and state.processor[-1] == 0.98
    assert state.pulse is not None and state.pulse.frame == b""


def test_what_is_being_said_goes_when_it_is_asked_or_dropped() -> None:
    state = fold(State(), Partial(0, "what is"))
    assert state.spoken == "what is"
    assert fold(state, turn_events(1)[0]).spoken == ""
    listening: Listening = "key"
    assert fold(state, pulse(listening=listening)).spoken == ""
    assert fold(state, pulse(listening="speech")).spoken == "what is"


def test_gone_and_back_again() -> None:
    state = _told([Back(session(3)), pulse(), Gone("killed")])
    assert state.gone == Gone("killed") and len(state.turns) == 3
    state = fold(state, Back(session(4)))
    assert state.gone is None and len(state.turns) == 4 and state.pulse is not None


def test_notes_are_lines_and_not_endless() -> None:
    state = _told([Activated(at=BEGAN, adapter=EVIL)] * 400)
    assert len(state.items) == 300 and all(isinstance(item, Note) for item in state.items)
    assert fold(state, SessionEnded(at=0, turns=0)).ended is not None
    assert fold(
        state, SessionStarted(at=0, session="s", room="r", student="a", expert="b", warm_up=1, seed=0)
    ).started
    assert (
        fold(State(), Answered(at=0, turn=3, by="student", text="x", confidence=1, latency_ms=1)) == State()
    )
    assert fold(State(), Asked(at=0, turn=1, question="q", frame="f", frame_age_ms=1)).answering
