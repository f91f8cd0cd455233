"""A visit to two rooms, replayed: the agent notices the change itself; nothing gets into the wrong room."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_memory import WordsAndColours
from tiny_models import tiny_florence
from tiny_places import CALIBRATION, Colours, sight

from agent.loop import build
from agent.recording.record import read_recording
from agent.recording.summary import Summary
from agent.recording.visit import read_visit
from agent.replay.outcome import figures
from agent.replay.session import ReplayOptions, replay_session
from agent.whereabouts.whereabouts import Whereabouts
from bench.pretrain.blueprint import save_model
from core.config import Config
from core.errors import RoomwiseError
from core.events import Event, RoomEntered, RoomRecognised, Routed
from core.sections import AdaptationConfig, ExpertConfig
from memory.store import Memory

_ROOMS = ["red", "red", "blue", "blue", "red", "blue"]
_COLOURS = {"red": (200, 30, 30), "blue": (30, 30, 200)}
_CONFIG = Config(adaptation=AdaptationConfig(least_pairs=1000), expert=ExpertConfig(extra=0))


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    def whereabouts(memory: Memory, student: object, notice: object, state: Path, **how: Any) -> Whereabouts:
        return Whereabouts(memory.gallery, Colours(), {"rgb": CALIBRATION}, **how)

    monkeypatch.setattr(build, "open_whereabouts", whereabouts)
    monkeypatch.setattr(build, "room_embedder", lambda student: WordsAndColours())


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("models") / "student"
    save_model(*tiny_florence(), folder, torch.float32)
    return str(folder)


@pytest.fixture
def visit(tmp_path: Path) -> Path:
    folder = tmp_path / "visit"
    folder.mkdir()
    turns = []
    for number, room in enumerate(_ROOMS):
        (folder / f"frame-{number}.jpg").write_bytes(sight(_COLOURS[room], number).jpeg)
        question = {"question": f"What is thing number {number}?", "answer": room}
        turns.append({"frame": number, "room": room, **question})
    (folder / "session.json").write_text(json.dumps({"turns": turns}))
    return folder


def _replayed(visit: Path, student: str, out: Path, one_room: bool = False) -> Summary:
    options = ReplayOptions(visit, student, build.RECORDED, 1, out=out, quiet=True, one_room=one_room)
    return replay_session(options, _CONFIG)


def _of(out: Path, kind: type[Event]) -> list[Event]:
    return [event for event in read_recording(out / "session").events if isinstance(event, kind)]


def test_the_agent_notices_each_change_and_greets_rooms_it_knows(
    visit: Path, student: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    summary = _replayed(visit, student, out, one_room=True)
    entered = [event.room for event in _of(out, RoomEntered) if isinstance(event, RoomEntered)]
    assert entered == ["room", "room-2", "room", "room-2"]
    assert [event.room for event in _of(out, RoomRecognised) if isinstance(event, RoomRecognised)] == [
        "room",
        "room-2",
    ]
    assert (summary.placed.right, summary.placed.n) == (6, 6)
    with Memory.open(out / "memory", read_only=True) as memory:
        assert memory.rooms() == {"room": 1, "room-2": 1}
    with Memory.open(out / "one-room" / "memory", read_only=True) as memory:
        assert memory.rooms() == {"visit": 2}
    assert summary.one_room is not None and summary.one_room.placed.right == 3
    said = " ".join(figures(summary))
    assert "6 of 6 questions were taken to be asked in the room where they were" in said
    assert "with one of each for all rooms" in said and summary.to_dict()["one_room"]["placed"]["n"] == 6


def test_both_ways_ask_the_expert_the_same_questions(visit: Path, student: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    summary = _replayed(visit, student, out, one_room=True)
    assert summary.one_room is not None
    for played in (summary, summary.one_room):
        assert [turn.by for turn in played.turns] == ["expert", "student", "expert", *["student"] * 3]
        assert [turn.warm for turn in played.turns] == [True, False, True, False, False, False]


def test_a_visit_cut_short_goes_on_in_the_room_where_it_was(
    visit: Path, student: str, tmp_path: Path
) -> None:
    whole, out = tmp_path / "whole", tmp_path / "out"
    _replayed(visit, student, whole)
    frame = visit / "frame-3.jpg"
    kept = frame.read_bytes()
    frame.write_bytes(b"no picture")
    with pytest.raises(RoomwiseError):
        _replayed(visit, student, out)
    frame.write_bytes(kept)
    _replayed(visit, student, out)
    assert _routes(out) == _routes(whole)
    rooms = [[turn.room for turn in read_visit(folder / "session").turns] for folder in (whole, out)]
    assert rooms[0] == rooms[1] == _ROOMS


def _routes(out: Path) -> list[tuple[int, str]]:
    return [(event.turn, event.to) for event in _of(out, Routed) if isinstance(event, Routed)]
