"""Which sessions there are, and deleting one while others are used."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_recordings import ANSWERS, BEGAN, QUESTIONS, write_recording

from agent.recording.record import EVENTS, SESSION, Recorder, read_recording
from agent.sessions.sessions import (
    delete,
    deletion_folder,
    folders,
    hold_session,
    list_sessions,
    locate,
    session_lines,
    when,
)
from agent.sessions.turns import turns_of
from core.errors import InputError, StorageError
from core.events import Answered, Asked, Event, Judged, Routed, ToldLate
from core.lock import lock_folder


@pytest.fixture
def state(tmp_path: Path) -> Path:
    write_recording(tmp_path / "sessions" / "kitchen-1")
    write_recording(tmp_path / "sessions" / "running", ended=False)
    write_recording(tmp_path / "replays" / "then" / "session")
    (tmp_path / "replays" / "then" / "memory").mkdir()
    return tmp_path


def test_live_sessions_and_replays_are_found_by_their_names(state: Path) -> None:
    (state / "sessions" / "notes").mkdir()
    write_recording(state / "sessions" / ".half.part")
    assert set(folders(state)) == {"kitchen-1", "running", "replays/then"}
    assert locate("replays/then", state) == state / "replays" / "then" / "session"
    elsewhere = write_recording(state / "elsewhere")
    assert locate(str(elsewhere), state) == elsewhere
    with pytest.raises(InputError, match="Did you mean kitchen-1"):
        locate("kitchen-2", state)
    with pytest.raises(InputError, match="Nothing is recorded yet"):
        locate("kitchen-1", state / "notes")


def test_a_line_says_what_a_session_was(state: Path) -> None:
    (line,) = (line for line in session_lines(state) if line.name == "kitchen-1")
    assert (line.room, line.began, line.turns, line.taken_over) == ("den", when(BEGAN), 4, 0.5)
    folder = state / "sessions" / "kitchen-1"
    assert line.bytes == sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_the_newest_comes_first_and_what_is_damaged_last(state: Path) -> None:
    newest = state / "sessions" / "newest"
    with Recorder(newest, {"room": "hall"}) as recorder:
        recorder.append(Answered(at=BEGAN + 9e6, turn=1, by="student", text="", confidence=0, latency_ms=0))
    (state / "sessions" / "running" / SESSION).write_text("[" * 100_000)
    (state / "sessions" / "kitchen-1" / EVENTS).write_text("what?\n")
    found = list_sessions(state)
    assert [one.name for one in found] == ["newest", "replays/then", "running", "kitchen-1"]
    assert [one.name for one in found if one.line is None] == ["running", "kitchen-1"]
    assert all(one.problem for one in found if one.line is None)
    assert [line.name for line in session_lines(state)] == ["newest", "replays/then"]


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_any_time_in_a_log_is_a_text(at: float) -> None:
    assert when(at) == "" or when(at)[4] == "-" or at > 250_000_000_000 or at < 0


def test_deleting_leaves_all_others_and_ends_what_was_cut_short(state: Path) -> None:
    write_recording(state / "sessions" / ".older.0.deleted")
    delete("kitchen-1", state)
    assert set(folders(state)) == {"running", "replays/then"}
    assert os.listdir(state / "sessions") == ["running"]


def test_a_replay_goes_with_all_that_it_learnt(state: Path) -> None:
    assert deletion_folder("replays/then", state) == state / "replays" / "then"
    delete("replays/then", state)
    assert os.listdir(state / "replays") == []


@pytest.mark.parametrize("name", ["", ".", "..", "../sessions", "/etc", "kitchen-1/blobs", "nothing"])
def test_only_sessions_are_deleted(state: Path, name: str) -> None:
    before = sorted(state.rglob("*"))
    with pytest.raises(InputError, match="no session"):
        delete(name, state)
    assert sorted(state.rglob("*")) == before


def test_what_is_being_written_is_not_deleted_and_what_has_ended_is(state: Path) -> None:
    agent = lock_folder(state)
    with pytest.raises(StorageError, match="in use"):
        delete("running", state)
    delete("kitchen-1", state)
    replay = lock_folder(state / "replays" / "then")
    with pytest.raises(StorageError, match="in use"):
        delete("replays/then", state)
    agent.release()
    replay.release()
    delete("running", state)
    delete("replays/then", state)
    assert not folders(state)


def test_who_holds_a_session_lets_go_of_it(state: Path) -> None:
    lock_folder(state).release()
    with hold_session(state / "sessions" / "running"), pytest.raises(StorageError):
        lock_folder(state)
    lock_folder(state).release()


def test_turns_say_all_that_became_of_them(state: Path) -> None:
    turns = turns_of(read_recording(state / "sessions" / "kitchen-1").events)
    assert [turn.question for turn in turns] == list(QUESTIONS)
    assert [turn.answer for turn in turns] == list(ANSWERS)
    assert [turn.by for turn in turns] == ["expert"] * 2 + ["student"] * 2
    assert turns[2].verdict == "✗ wrong, known: three; a person says: four"
    assert turns[2].asked_at == BEGAN + 18 and turns[2].answered_at == BEGAN + 19


_BY = st.sampled_from(["memory", "student", "expert"])
_TURN = st.integers(1, 3)
_SOME_EVENTS = st.one_of(
    st.builds(
        Asked, at=st.floats(), turn=_TURN, question=st.text(), frame=st.text(), frame_age_ms=st.floats()
    ),
    st.builds(Routed, at=st.floats(), turn=_TURN, to=_BY, reason=st.text()),
    st.builds(
        Answered, at=st.floats(), turn=_TURN, by=_BY, text=st.text(), confidence=st.floats(),
        latency_ms=st.floats(),
    ),
    st.builds(Judged, at=st.floats(), turn=_TURN, reference=st.text(), right=st.booleans(), nls=st.floats()),
    st.builds(ToldLate, at=st.floats(), turn=_TURN, text=st.text(), confidence=st.floats()),
)  # fmt: skip


@given(st.lists(_SOME_EVENTS, max_size=12))
def test_any_events_make_turns_in_order_with_what_was_asked_last(listed: list[Event]) -> None:
    turns = turns_of(listed)
    asked = {event.turn: event.question for event in listed if isinstance(event, Asked)}
    assert {turn.turn: turn.question for turn in turns} == asked
    assert [turn.turn for turn in turns] == sorted(asked)
    assert json.dumps([vars(turn) for turn in turns], allow_nan=False)
