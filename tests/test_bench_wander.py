"""One visit to two rooms: nobody says which, each question is asked once, frames stay their room's."""

import json
from pathlib import Path

import pytest

from agent.recording.rooms import rooms_of, warm_up_end, warm_ups
from agent.recording.visit import DEMO, TWO_ROOMS, read_visit
from core.errors import InputError
from core.events import Asked, RoomEntered, SessionStarted

WANDER = DEMO.parent / TWO_ROOMS


def test_the_bundled_visit_goes_over_and_back() -> None:
    visit = read_visit(WANDER)
    assert visit.wanders and len(visit.turns) == 40 and visit.room == TWO_ROOMS
    stays = [room for room, before in zip(
        [turn.room for turn in visit.turns], ["", *(turn.room for turn in visit.turns)], strict=False
    ) if room != before]  # fmt: skip
    assert len(stays) == 4 and stays[:2] == stays[2:]
    frames = {room: {turn.frame for turn in visit.turns if turn.room == room} for room in set(stays)}
    assert not set.intersection(*frames.values())
    for turn in visit.turns:
        assert turn.frame.is_file() and visit.depth[turn.frame].is_file()
        assert set(turn.seen) <= {path for path in visit.depth}
    assert [len(turn.seen) for turn in visit.turns if turn.seen] == [4, 4, 4, 4]


def test_the_agent_is_told_no_room() -> None:
    assert "room" not in json.loads((WANDER / "session.json").read_text())


def test_a_seen_frame_that_is_not_there_is_said(tmp_path: Path) -> None:
    told = {"frames": ["a.jpg"], "turns": [{"frame": 0, "question": "What is it?", "seen": [3]}]}
    (tmp_path / "session.json").write_text(json.dumps(told))
    with pytest.raises(InputError, match="frame 3 of 1"):
        read_visit(tmp_path)


def _asked(turn: int) -> Asked:
    return Asked(at=0, turn=turn, question="What is it?", frame="f", frame_age_ms=0)


def _entered(room: str, before: str, moved: bool = False) -> RoomEntered:
    return RoomEntered(at=0, room=room, before=before, new=False, reason="It looks like it.", moved=moved)


def test_turns_are_of_the_room_they_were_asked_in_and_follow_it_when_it_is_told() -> None:
    begun = SessionStarted(at=0, session="s", room="room", student="a", expert="b", warm_up=1, seed=0)
    events = [
        begun,
        _asked(1),
        _entered("den", "room", moved=True),
        _asked(2),
        _entered("hall", "den"),
        _asked(3),
    ]
    found = rooms_of(events)
    assert found.last == "hall" and dict(found.asked) == {1: "den", 2: "den", 3: "hall"}
    assert rooms_of([]).last == ""


def test_each_rooms_first_questions_are_its_warm_up() -> None:
    rooms = ["den", "den", "hall", "den", "hall", "hall"]
    assert warm_ups(rooms, 2) == [True, True, True, False, True, False]
    asked = dict(enumerate(rooms, start=1))
    for warm_up in (0, 1, 2, 3):
        by_end = [turn <= warm_up_end(asked, turn, room, warm_up) for turn, room in asked.items()]
        assert by_end == warm_ups(rooms, warm_up)
