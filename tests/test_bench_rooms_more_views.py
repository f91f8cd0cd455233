"""Views of a room beside those of its session, and what is asked about them."""

import numpy as np
import pytest
from room_facts import made_up_visit

from bench.rooms.sessions import (
    MORE,
    OTHER_VIEW,
    VIEWS,
    WARM_UP,
    Session,
    make_more_views,
    make_session,
    opening,
    plan_turns,
)

_SIZE = 48


@pytest.fixture(scope="module")
def more() -> Session:
    made = make_more_views("validation", 0, _SIZE)
    assert made is not None
    return made


def test_no_view_is_one_of_the_session_or_near_one(more: Session) -> None:
    session = make_session("validation", 0, _SIZE)
    assert len(session.shots) == VIEWS and 0 < len(more.shots) <= MORE
    eyes = [shot.frame.view.eye for shot in (*session.shots, *more.shots)]
    apart = [np.linalg.norm(a - b) for place, a in enumerate(eyes) for b in eyes[:place]]
    assert min(apart) > 1.0  # metres


def test_each_question_is_asked_once_about_a_view_that_is_there(more: Session) -> None:
    asked = [(turn.frame, turn.question.text) for turn in more.turns]
    assert len(asked) == len(set(asked)) > WARM_UP
    assert {turn.frame for turn in more.turns} <= set(range(len(more.shots)))
    assert all(turn.question.answer and turn.tag == OTHER_VIEW for turn in more.turns)
    again = make_more_views("validation", 0, _SIZE)
    assert again is not None and again.turns == more.turns


def test_a_room_without_more_views_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    session = make_session("validation", 0, _SIZE)
    few = (session.room, session.shots[:2])
    monkeypatch.setattr("bench.rooms.sessions.visit", lambda *about: few)
    assert make_more_views("validation", 0, _SIZE) is None


def test_a_session_opens_as_it_does() -> None:
    frames = made_up_visit(0)
    opened = opening(frames, "test", np.random.default_rng(0))
    assert opened == plan_turns(frames, "test", np.random.default_rng(0))[:WARM_UP]
