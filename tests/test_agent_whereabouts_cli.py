"""`roomwise rooms`: a room gets another name, is merged, is forgotten; nothing is destroyed unasked."""

import json
from typing import Any

import numpy as np
import pytest
from tiny_memory import frame, jpeg

import roomwise
from adapters.jobs.store import AdapterStore
from agent.whereabouts.rooms import known_rooms
from core.files import state_dir
from core.lazy import run
from memory.store import Memory


@pytest.fixture(autouse=True)
def _two_rooms() -> None:
    with Memory.open(state_dir() / "memory") as memory:
        memory.add("room", frame(0), "What colour is the sofa?", "red", "expert", "e")
        memory.add("hall", frame(1), "How many chairs are there?", "two", "expert", "e")
        memory.gallery.add("room", "rgb", jpeg(2), np.array([1, 0], np.float32), "colours")
    (state_dir() / "adapters" / "room").mkdir(parents=True)


def _json(capsys: pytest.CaptureFixture[str], *args: str) -> Any:
    capsys.readouterr()
    assert run(roomwise.app, "roomwise", ["rooms", *args, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def _pairs(capsys: pytest.CaptureFixture[str]) -> dict[str, int]:
    return {room["name"]: room["pairs"] for room in _json(capsys, "list")["rooms"]}


def test_rooms_are_listed_with_what_is_kept_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    hall, room = _json(capsys, "list")["rooms"]
    assert (hall["name"], hall["views"], hall["adapter"]) == ("hall", 0, None)
    assert (room["name"], room["pairs"], room["views"], room["depth_views"]) == ("room", 1, 1, 0)


def test_a_name_goes_with_all_that_is_the_rooms(capsys: pytest.CaptureFixture[str]) -> None:
    assert _json(capsys, "name", "room", "kitchen")["views"] == 1
    assert _pairs(capsys) == {"hall": 1, "kitchen": 1}
    assert AdapterStore(state_dir() / "adapters").rooms() == ["kitchen"]


def test_two_rooms_become_one_and_keep_the_seconds_adapters(capsys: pytest.CaptureFixture[str]) -> None:
    merged = _json(capsys, "merge", "room", "hall", "--yes")
    assert (merged["pairs"], merged["views"]) == (2, 1)
    assert not AdapterStore(state_dir() / "adapters").rooms()


def test_a_room_is_forgotten_for_good(capsys: pytest.CaptureFixture[str]) -> None:
    assert _json(capsys, "forget", "room", "--yes")["forgotten"]["pairs"] == 1
    assert _pairs(capsys) == {"hall": 1}
    with Memory.open(state_dir() / "memory") as memory:
        assert len(memory.blobs.names()) == 1
        assert [room.name for room in known_rooms(memory, AdapterStore(state_dir() / "adapters"))] == ["hall"]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("name", "rom", "kitchen"), "Did you mean room?"),
        (("name", "room", "hall"), "roomwise rooms merge room hall"),
        (("name", "room", "The Kitchen!"), "lower-case"),
        (("merge", "room", "room", "--yes"), "Name two rooms"),
        (("forget", "attic", "--yes"), "There is no room 'attic'"),
        (("forget", "room"), "Nothing was done"),
    ],
)
def test_what_cannot_be_is_said_and_changes_nothing(
    args: tuple[str, ...],
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("typer.confirm", lambda *question, **more: False)
    assert run(roomwise.app, "roomwise", ["rooms", *args]) == 2
    assert said in capsys.readouterr().err
    assert _pairs(capsys) == {"hall": 1, "room": 1}
