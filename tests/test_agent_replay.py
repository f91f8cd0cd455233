"""From the first question to take-over, with a real student and a real training child, both tiny."""

import json
from pathlib import Path
from unittest.mock import Mock

import pytest
import torch
from tiny_memory import WordsAndColours, jpeg
from tiny_models import tiny_florence
from typer.testing import CliRunner

from agent.learning.lane import Lane
from agent.loop import build
from agent.recording.record import read_recording
from agent.recording.summary import Summary
from agent.recording.visit import DEMO
from agent.replay.cli import app
from agent.replay.session import ReplayOptions, replay_session
from bench.pretrain.blueprint import save_model
from core import pictures
from core.config import Config
from core.errors import ImageError, InputError
from core.events import (
    Activated,
    AdaptationEnded,
    AdaptationStarted,
    Answered,
    SessionEnded,
    SessionStarted,
)
from core.sections import ExpertConfig
from memory.store import Memory

_ANSWERS = ["red", "two", "on the table", "red", "two", "red"]


@pytest.fixture(autouse=True)
def small_embedder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.node.get_closest_marker("slow") is None:
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
    for number in range(2):
        (folder / f"frame-{number}.jpg").write_bytes(jpeg(number, (64, 48)))
    turns = [
        {"frame": n % 2, "question": f"What is thing number {n}?", "answer": answer, "tag": "new-fact"}
        for n, answer in enumerate(_ANSWERS)
    ]
    (folder / "session.json").write_text(json.dumps({"room": "den", "turns": turns}))
    return folder


def _replayed(visit: Path, student: str, out: Path, warm_up: int = 4) -> Summary:
    options = ReplayOptions(visit, student, build.RECORDED, warm_up, out=out, quiet=True)
    return replay_session(options, Config())


def test_a_replay_ends_with_an_adapted_student(visit: Path, student: str, tmp_path: Path) -> None:
    summary = _replayed(visit, student, tmp_path / "one")
    assert [turn.by for turn in summary.turns] == ["expert"] * 4 + ["student"] * 2
    assert [turn.answer for turn in summary.turns[:4]] == _ANSWERS[:4]
    assert summary.table["expert"]["all"].mean == 1
    assert set(summary.table) == {"untouched", "memory", "adapted", "expert"}
    recording = read_recording(tmp_path / "one" / "session")
    (ended,) = [event for event in recording.events if isinstance(event, AdaptationEnded)]
    assert ended.promoted, ended.reason
    assert any(isinstance(event, Activated) and event.adapter == "0001" for event in recording.events)
    assert isinstance(recording.events[-1], SessionEnded)
    with Memory.open(tmp_path / "one" / "memory", read_only=True) as memory:
        assert len(memory.pairs("den")) == 4
    again = _replayed(visit, student, tmp_path / "two")
    assert [turn.answer for turn in again.turns] == [turn.answer for turn in summary.turns]


def test_all_that_a_replay_leaves_is_its_users_alone(
    visit: Path, student: str, isolated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Lane, "_discard", lambda lane, task, job: None)
    isolated.chmod(0o755)  # as somebody may have made it
    options = ReplayOptions(visit, student, build.RECORDED, 4, quiet=True, report=isolated / "report")
    replay_session(options, Config())
    kept = list(isolated.rglob("*"))
    assert {"memory.sqlite3", "worker.log", "progress.jsonl", "adapter_model.safetensors", ".lock"} <= {
        path.name for path in kept
    }
    open_to_others = [path for path in kept if path.stat().st_mode & 0o077]
    assert not open_to_others
    assert not [path for path in kept if path.is_file() and path.stat().st_mode & 0o100]


def test_a_recording_replays_as_the_session_it_was(visit: Path, student: str, tmp_path: Path) -> None:
    summary = _replayed(visit, student, tmp_path / "one", warm_up=20)
    again = _replayed(tmp_path / "one" / "session", student, tmp_path / "two", warm_up=20)
    assert [turn.answer for turn in again.turns] == _ANSWERS == [turn.answer for turn in summary.turns]


def test_each_questions_frame_is_decoded_once(
    visit: Path, student: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = Mock(wraps=pictures._upright)
    monkeypatch.setattr(pictures, "_upright", counted)
    _replayed(visit, student, tmp_path / "out", warm_up=20)
    assert counted.call_count == len(_ANSWERS)


def _experts_name(visit: Path, student: str, out: Path, expert: str | None) -> str:
    config = Config(expert=ExpertConfig(model=student))
    replay_session(ReplayOptions(visit, student, expert, 20, out=out, quiet=True), config)
    (started,) = [e for e in read_recording(out / "session").events if isinstance(e, SessionStarted)]
    return started.expert


def test_the_recorded_answers_are_the_experts_unless_they_are_the_truth(
    visit: Path, student: str, tmp_path: Path
) -> None:
    assert _experts_name(visit, student, tmp_path / "one", None) == build.RECORDED
    told = json.loads((visit / "session.json").read_text())
    (visit / "session.json").write_text(json.dumps({**told, "answers": "truth"}))
    assert _experts_name(visit, student, tmp_path / "two", None) == student
    assert _experts_name(visit, student, tmp_path / "three", build.RECORDED) == build.RECORDED


def test_with_a_speed_no_answer_waits_for_an_adaptation(visit: Path, student: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = ReplayOptions(visit, student, build.RECORDED, 4, out=out, quiet=True, speed=1000.0)
    summary = replay_session(options, Config())
    assert len(summary.turns) == 6
    events = read_recording(out / "session").events
    begun = next(n for n, event in enumerate(events) if isinstance(event, AdaptationStarted))
    assert any(isinstance(event, Answered) for event in events[begun:])
    assert all(event.again for event in events if isinstance(event, AdaptationEnded))


def test_a_report_is_written_and_the_session_ends_with_what_it_took(
    visit: Path, student: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report"
    options = ReplayOptions(visit, student, build.RECORDED, 20, out=tmp_path / "out", report=report)
    replay_session(options, Config())
    told = json.loads((tmp_path / "report" / "report.json").read_text())
    assert told["used"]["recording_bytes"] > 0 and told["session"]["expert"] == build.RECORDED
    assert (tmp_path / "report" / "takeover.svg").is_file()
    shown = capsys.readouterr().out
    assert "report.html" in shown and "● student" in shown


@pytest.mark.slow
def test_the_demo_ends_with_the_student_answering(tmp_path: Path) -> None:
    config = Config()
    report = tmp_path / "report"
    options = ReplayOptions(DEMO, config.student.model, out=tmp_path / "out", report=report, quiet=True)
    summary = replay_session(options, config)
    # What the agent has asked the expert of its own is remembered, during the warm-up too.
    assert summary.turns[0].by == "expert"
    assert {turn.by for turn in summary.turns[:10]} <= {"expert", "memory"}
    assert {turn.by for turn in summary.turns[10:]} <= {"student", "memory"}
    assert len(summary.adaptations) == 1
    assert set(summary.table) == {"untouched", "memory", "adapted", "expert"}
    assert (tmp_path / "report" / "report.html").stat().st_size > 100_000


def test_a_frame_that_is_none_ends_the_replay_and_keeps_what_was_answered(
    visit: Path, student: str, tmp_path: Path
) -> None:
    (visit / "frame-1.jpg").write_bytes(b"not a picture")
    with pytest.raises(ImageError, match="frame-1"):
        _replayed(visit, student, tmp_path / "out")
    recording = read_recording(tmp_path / "out" / "session")
    assert isinstance(recording.events[-1], SessionEnded)
    with Memory.open(tmp_path / "out" / "memory", read_only=True) as memory:
        assert len(memory.pairs("den")) == 1


def test_a_missing_session_is_named_before_anything_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no session folder"):
        _replayed(tmp_path / "nowhere", "no-such-model", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_verb_prints_one_object(visit: Path, student: str, tmp_path: Path) -> None:
    args = [str(visit), "--student", student, "--expert", "recorded", "--warm-up", "20"]
    result = CliRunner().invoke(app, [*args, "--out", str(tmp_path / "out"), "--json"])
    assert result.exit_code == 0, result.output
    assert result.stdout.count("\n") == 1 and "thing number 5" in result.stderr
    told = json.loads(result.stdout)
    assert (told["expert_calls"], told["saved"], told["warm_up"]) == (6, 0, 20)
