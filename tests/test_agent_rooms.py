"""What all rooms say is learnt beside a session by a child that can end at any moment."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_memory import WordsAndColours, frame
from tiny_models import tiny_florence

from adapters.jobs.store import AdapterStore
from agent.learning import lane, rooms
from agent.learning.guard import Fit
from agent.learning.lane import Lane
from agent.learning.rooms import RoomsTask, last_counts, learn_rooms
from agent.learning.task import LearningSettings
from agent.turns.answerers import Answerers
from agent.turns.others import AUDITS, other_rooms
from bench.pretrain.blueprint import save_model
from core.config import Config
from core.events import Event, Failed, RoomsLearnt
from memory import elsewhere
from memory.shelf import VOTES
from memory.store import Memory
from models.registry import load_model


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elsewhere, "STEPS", 20)
    monkeypatch.setattr(rooms, "room_embedder", lambda model: WordsAndColours())


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("models") / "student"
    save_model(*tiny_florence(), folder, torch.float32)
    return str(folder)


@pytest.fixture
def answerers(tmp_path: Path, student: str) -> Iterator[Answerers]:
    with Memory.open(tmp_path / "memory", WordsAndColours()) as memory:
        for room in range(10):
            for place in ("bed", "sink", "desk", "sofa"):
                question, answer = f"What is on the {place}?", f"the {place}'s cup"
                memory.add(f"room-{room}", frame(room), question, answer, "expert", "e")
        yield Answerers("s", load_model(student), None, memory, Config())


def _learning(
    answerers: Answerers, seed: int | None = 0, learnt: Callable[[], None] = lambda: None
) -> tuple[Lane, list[Event]]:
    said: list[Event] = []

    def say(kind: Callable[..., Event], /, **values: Any) -> None:
        said.append(kind(at=0.0, **values))

    folder = answerers.memory.folder.parent
    settings = LearningSettings(AdapterStore(folder), folder / "jobs", _never, _never, rooms_seed=seed)
    return Lane(
        [RoomsTask(answerers, settings, learnt, say)], lambda order: Fit(None), lambda held: "", say
    ), said


def _never(*args: object) -> Any:
    raise AssertionError("no room learns here")


def _ended(lane: Lane) -> None:
    end = time.monotonic() + 60
    while lane.running and time.monotonic() < end:
        lane.look()
        time.sleep(0.05)
    assert not lane.running


def test_learnt_is_kept_beside_the_pairs(answerers: Answerers, student: str) -> None:
    folder = answerers.memory.folder
    assert last_counts(folder) == (0, 0)
    learn_rooms(folder, student, 0)
    assert last_counts(folder) == (10, 40)
    assert (folder / VOTES).is_file() and (folder / AUDITS).is_file()
    (folder / "rooms.json").write_text("[]")
    assert last_counts(folder) == (0, 0)


def test_a_child_learns_and_the_session_uses_it(answerers: Answerers) -> None:
    heard: list[int] = []
    # The child finds MiniLM, not the words and colours of this memory, and so nothing to learn from.
    learning, said = _learning(answerers, learnt=lambda: heard.append(1))
    learning.go_on()
    assert learning.running
    _ended(learning)
    (event,) = said
    assert isinstance(event, RoomsLearnt) and (event.rooms, event.pairs) == (10, 40)
    assert heard == [1] and other_rooms(answerers.memory) is None
    again, told = _learning(answerers)
    again.go_on()
    assert not again.running and not told  # nothing is new


def test_it_is_begun_only_where_wanted_and_put_back_when_it_is_stopped(answerers: Answerers) -> None:
    never, _ = _learning(answerers, seed=None)
    never.go_on()
    assert not never.running
    learning, said = _learning(answerers)
    learning.go_on()
    learning.stop()
    assert not learning.running and not said and last_counts(answerers.memory.folder) == (0, 0)
    assert not any((answerers.memory.folder.parent / "jobs" / "rooms").iterdir())
    learning.go_on()
    assert learning.running
    learning.abandon()


def test_a_child_that_fails_is_an_event(answerers: Answerers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "MOST_DEATHS", 1)
    learning, said = _learning(answerers)
    learning.go_on()
    assert learning._running is not None
    process = learning._running[1]._process
    assert process is not None
    process.kill()
    _ended(learning)
    (event,) = said
    assert isinstance(event, Failed) and "rooms" in event.what


def test_the_command_names_what_is_wrong(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "agent.learning.rooms",
        str(tmp_path),
        str(tmp_path),
        "no-such-model",
        "0",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2 and "no-such-model" in done.stderr
