"""A session whose user asks for agreement: what it says aloud, whom it asks, what it keeps on going on."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tiny_calibration import tiny_calibration
from tiny_jobs import save_student
from tiny_memory import WordsAndColours
from tiny_sessions import write_visit

from agent.loop import build
from agent.loop.controller import Controller
from agent.recording.past import past_of
from agent.recording.record import read_recording
from agent.replay.session import ReplayOptions, replay_session
from agent.takeover.calibration import own_path, sigmoid, write_calibration
from core.config import Config
from core.errors import ExpertError
from core.events import Answered, Event, Failed, Resumed, Weighed
from core.sections import RouterConfig
from models.lora import base_of


@pytest.fixture(autouse=True)
def small_embedder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "room_embedder", lambda student: WordsAndColours())


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_student(tmp_path_factory.mktemp("student") / "tiny")


@pytest.fixture
def visit(tmp_path: Path) -> Path:
    return write_visit(tmp_path / "visit", 3)


def _replayed(visit: Path, student: str, out: Path, agreement: float) -> list[Event]:
    config = Config(router=RouterConfig(agreement=agreement))
    replay_session(ReplayOptions(visit, student, build.RECORDED, 1, out=out, quiet=True), config)
    return list(read_recording(out / "session").events)


def _of(events: list[Event], kind: type[Event]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def _by(events: list[Event]) -> list[str]:
    return [event.by for event in _of(events, Answered)]


def test_without_a_calibration_it_says_so_and_asks_the_expert(
    visit: Path, student: str, tmp_path: Path
) -> None:
    events = _replayed(visit, student, tmp_path / "out", 0.8)
    (said,) = _of(events, Failed)
    assert said.what == "calibration" and f"takeover --fit --student {student}" in said.error
    assert _by(events) == ["expert"] * 3
    assert [event.turn for event in _of(events, Weighed)] == [2, 3]
    assert len(past_of("s", events).audits) == 2


def test_nobody_who_asks_for_nothing_is_bothered(visit: Path, student: str, tmp_path: Path) -> None:
    events = _replayed(visit, student, tmp_path / "out", 0.0)
    assert not _of(events, Failed) and _by(events) == ["expert", "student", "student"]


@pytest.mark.parametrize(("intercept", "by"), [(3.0, "student"), (-3.0, "expert")])
def test_a_calibration_decides(intercept: float, by: str, visit: Path, student: str, tmp_path: Path) -> None:
    base = base_of(student)
    write_calibration(replace(tiny_calibration(intercept), base=base.digest), own_path(base))
    events = _replayed(visit, student, tmp_path / "out", 0.8)
    assert not _of(events, Failed) and _by(events) == ["expert", by, by]
    weighed = _of(events, Weighed)
    assert [(event.probability, event.needed) for event in weighed] == [(sigmoid(intercept), 0.5)] * 2


def test_one_of_another_student_is_named_and_not_used(visit: Path, student: str, tmp_path: Path) -> None:
    write_calibration(tiny_calibration(3.0), own_path(base_of(student)))
    events = _replayed(visit, student, tmp_path / "out", 0.8)
    (said,) = _of(events, Failed)
    assert "belongs to the student ab" in said.error and _by(events) == ["expert"] * 3


def test_who_goes_on_has_the_audits_of_before(
    visit: Path, student: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = base_of(student)
    shaky = replace(tiny_calibration(0.0, 0.6, spread=1.0), base=base.digest)
    write_calibration(shaky, own_path(base))
    whole = _of(_replayed(visit, student, tmp_path / "whole", 0.8), Weighed)
    assert whole[0].probability == 0.5 != whole[1].probability  # the audit has moved it
    with monkeypatch.context() as patched:
        patched.setattr(Controller, "ask", _two_answers(Controller.ask))
        with pytest.raises(ExpertError, match="cut"):
            _replayed(visit, student, tmp_path / "out", 0.8)
    events = _replayed(visit, student, tmp_path / "out", 0.8)
    assert len(_of(events, Resumed)) == 1
    assert [event.probability for event in _of(events, Weighed)] == [event.probability for event in whole]


def _two_answers(ask: Callable[..., Answered]) -> Callable[..., Answered]:
    """A controller that is asked a third question falls over."""
    left = [1, 2]

    def asked(*args: Any) -> Answered:
        if not left:
            raise ExpertError("The power was cut. Go on.")
        left.pop()
        return ask(*args)

    return asked
