"""A session's events added up, from a log that is whole and from one cut off."""

import json

import pytest
from tiny_events import session_events

from agent.recording.summary import Share, summarise
from core.events import Answered, Used


def test_the_students_own_answers_are_told_from_the_first_question_on() -> None:
    turns = summarise(session_events()).turns
    assert [turn.student for turn in turns] == [True, True, False]
    assert [turn.untouched for turn in turns] == [True, False, False]
    assert [list(turn.others) for turn in turns] == [[], ["untouched", "adapted"], ["untouched", "adapted"]]


def test_a_report_can_be_made_of_it() -> None:
    used = Used(at=7, peak_bytes=5, child_peak_bytes=4, memory_bytes=3, adapter_bytes=2, recording_bytes=1)
    told = json.loads(json.dumps(summarise([*session_events(), used]).to_dict()))
    assert told["used"]["peak_bytes"] == 5
    assert told["seconds"] == 7
    assert told["session"]["room"] == "den"
    assert told["adaptations"][0]["reason"] == "better"
    assert told["turns"][1]["student"] is True


def test_a_session_adds_up() -> None:
    summary = summarise(session_events())
    assert [turn.by for turn in summary.turns] == ["expert", "student", "student"]
    assert (summary.expert_calls, summary.saved) == (1, 2)
    assert summary.accuracy == Share(2, 3)
    assert summary.latency_ms("student") == 20
    assert summary.latency_ms("memory") is None
    assert summary.adaptations[0].adapter == "0001"


def test_methods_are_compared_after_the_warm_up_alone() -> None:
    table = summarise(session_events()).table
    assert list(table) == ["untouched", "adapted"]
    assert table["untouched"]["all"] == Share(0, 2)
    assert table["adapted"] == {"all": Share(1, 2), "new-fact": Share(1, 1), "new-thing": Share(0, 1)}


@pytest.mark.parametrize("kept", range(len(session_events()) + 1))
def test_a_log_cut_off_counts_the_turns_it_has_whole(kept: int) -> None:
    events = session_events()[:kept]
    answered = [event for event in events if isinstance(event, Answered)]
    summary = summarise(events)
    assert len(summary.turns) == len(answered)
    assert summary.to_dict()["expert_calls"] == sum(event.by == "expert" for event in answered)
