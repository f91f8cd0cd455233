"""Answers stream to a screen as they are made, no oftener than it looks, and never into the recording."""

from itertools import pairwise
from pathlib import Path

import pytest
from tiny_jobs import save_student
from tiny_station import Cable, Ear, answer, seen, station

from agent.console import Ask, Partial
from agent.recording.record import read_recording
from agent.station import audience
from agent.station.audience import Drafts
from core.events import Answered


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_student(tmp_path_factory.mktemp("models") / "student")


@pytest.fixture
def cable() -> Cable:
    return Cable()


@pytest.fixture
def ear() -> Ear:
    return Ear()


def test_drafts_come_no_oftener_than_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audience, "DRAFT_EVERY", 1.0)
    now, told = [0.0], list[Partial]()
    draft = Drafts(lambda: 3, told.append, lambda: now[0])
    for step in range(100):
        now[0] = step / 8
        draft(f"word {step}")
    draft("")
    assert [one.text for one in told] == [f"word {step}" for step in range(8, 100, 8)]
    assert {one.turn for one in told} == {3}


def test_an_answer_streams_to_who_listens(
    student: str, tmp_path: Path, cable: Cable, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audience, "DRAFT_EVERY", 0.0)
    with station(student, tmp_path, cable) as one:
        seen(one, ear)
        assert answer(one.put(Ask("What is it?"))) == 1
        said = ear.wait(lambda heard: isinstance(heard, Answered))
    texts = [heard.text for heard in ear.of(Partial)]
    assert texts and said.by == "student"
    assert all(later.startswith(earlier) for earlier, later in pairwise(texts))
    assert said.text.startswith(texts[-1])
    order = [type(heard) for heard in ear.heard if isinstance(heard, Partial | Answered)]
    assert order.index(Answered) == len(order) - 1
    assert not any(isinstance(event, Partial) for event in read_recording(tmp_path / "sessions/one").events)
