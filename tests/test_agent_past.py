"""What a session's events say of how far it had come."""

from dataclasses import asdict
from pathlib import Path

import pytest
from tiny_calibration import tiny_evidence

from agent.recording.past import Past, past_of, read_past, visit_digest
from agent.recording.record import EVENTS, Recorder
from agent.recording.visit import Visit, VisitTurn
from core.errors import InputError
from core.events import (
    AdaptationEnded,
    AdaptationStarted,
    Answered,
    Asked,
    Compared,
    Event,
    Judged,
    SessionEnded,
    Weighed,
)

_ABOUT = {"room": "den", "seed": 0}


def _asked(turn: int) -> Event:
    return Asked(at=0.0, turn=turn, question="?", frame="f", frame_age_ms=0.0)


def _answered(turn: int) -> Answered:
    return Answered(at=0.0, turn=turn, by="expert", text="red", confidence=1.0, latency_ms=1.0)


def _started(job: str, pairs: int) -> AdaptationStarted:
    return AdaptationStarted(at=0.0, job=job, pairs=pairs)


def _ended(job: str, again: bool = False) -> Event:
    return AdaptationEnded(at=0.0, job=job, promoted=not again, reason="", seconds=1.0, again=again)


def test_a_turn_counts_once_it_is_answered() -> None:
    judged = Judged(at=0.0, turn=1, reference="red", right=True, nls=1.0)
    compared = Compared(at=0.0, turn=1, method="memory", text="red", right=True)
    past = past_of("s", [_asked(1), _answered(1), judged, compared, _asked(2)])
    assert (past.turn, past.begun, past.ended) == (1, True, False)
    assert past.answered == {1: _answered(1)}
    assert past.judged == {1} and past.compared == {(1, "memory")}
    assert (Past("s").turn, past_of("s", []).begun) == (0, False)
    assert past_of("s", [_answered(1), SessionEnded(at=0.0, turns=1)]).ended


@pytest.mark.parametrize(
    ("events", "pairs", "under_way"),
    [
        ([], 0, ""),
        ([_started("a", 4)], 0, "a"),
        ([_started("a", 4), _ended("a")], 4, ""),
        ([_started("a", 4), _ended("a", again=True)], 0, ""),
        ([_started("a", 4), _ended("a"), _started("b", 9)], 4, "b"),
        ([_started("a", 4), _ended("a"), _started("b", 9), _ended("b", again=True)], 4, ""),
        # A kill came before its end; it was begun anew.
        ([_started("a", 4), _started("b", 4), _ended("b")], 4, ""),
    ],
)
def test_an_adaptation_counts_once_it_came_to_an_end(events: list[Event], pairs: int, under_way: str) -> None:
    past = past_of("s", events)
    assert past.pairs_then.get("", 0) == pairs
    assert (past.open_job.job if past.open_job else "") == under_way


def _kept(folder: Path, *events: Event) -> Path:
    with Recorder(folder, {"session": "s", **_ABOUT}) as recorder:
        for event in events:
            recorder.append(event)
    return folder


def test_where_nothing_is_kept_a_new_session_begins(tmp_path: Path) -> None:
    first, second = read_past(tmp_path, _ABOUT, 2), read_past(tmp_path, _ABOUT, 2)
    assert not first.begun and first.session != second.session


def test_an_unfinished_session_goes_on_under_its_name(tmp_path: Path) -> None:
    folder = _kept(tmp_path / "s", _asked(1), _answered(1), SessionEnded(at=0.0, turns=1))
    past = read_past(folder, _ABOUT, 2)
    assert (past.session, past.turn) == ("s", 1)


def test_another_session_and_a_finished_one_are_refused(tmp_path: Path) -> None:
    folder = _kept(tmp_path / "s", _answered(1), SessionEnded(at=0.0, turns=1))
    with pytest.raises(InputError, match=r"its seed is not the same\. .*--out"):
        read_past(folder, {**_ABOUT, "seed": 1}, 2)
    with pytest.raises(InputError, match=r"beginning to end\. .*--out"):
        read_past(folder, _ABOUT, 1)


def test_a_damaged_one_says_what_is_damaged_and_what_to_do(tmp_path: Path) -> None:
    folder = _kept(tmp_path / "s", _answered(1))
    (folder / EVENTS).write_text("{\n")
    with pytest.raises(InputError, match=r"Line 1 .* is damaged\..*--out"):
        read_past(folder, _ABOUT, 1)


def test_a_digest_tells_visits_apart_by_what_is_asked(tmp_path: Path) -> None:
    turn = VisitTurn(tmp_path / "frame-0.jpg", "What is it?", "a sofa")
    moved = VisitTurn(tmp_path / "elsewhere" / "frame-0.jpg", "What is it?", "a sofa")
    other = VisitTurn(tmp_path / "frame-0.jpg", "What is it?", "a bed")
    assert visit_digest(Visit("den", (turn,))) == visit_digest(Visit("den", (moved,)))
    assert visit_digest(Visit("den", (turn,))) != visit_digest(Visit("den", (other,)))
    assert visit_digest(Visit("den", (turn,))) != visit_digest(Visit("hall", (turn,)))


def test_audits_are_what_both_have_answered() -> None:
    rested = tiny_evidence(least=-0.5)
    weighed = [
        Weighed(at=0.0, turn=turn, text=text, probability=0.5, needed=0.6, evidence=asdict(rested))
        for turn, text in ((1, "red"), (2, "blue"), (3, "red"))
    ]
    said = Answered(at=0.0, turn=3, by="student", text="red", confidence=1.0, latency_ms=1.0)
    past = past_of("s", [weighed[0], _answered(1), weighed[1], _answered(2), weighed[2], said, _answered(4)])
    assert past.audits == ((rested, True), (rested, False))
    other = Weighed(at=0.0, turn=1, text="red", probability=0.5, needed=0.6, evidence={"moon": 1.0})
    assert past_of("s", [other, _answered(1)]).audits == ()  # as another version weighed it
