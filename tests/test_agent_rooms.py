"""What all rooms say is learnt beside a session by a child that can end at any moment."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_memory import WordsAndColours, jpeg
from tiny_models import tiny_florence

from agent.learning import rooms
from agent.learning.rooms import RoomsLearning, known_then, learn_rooms
from agent.turns.others import AUDITS, other_rooms
from agent.turns.turn import Mind
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
def mind(tmp_path: Path, student: str) -> Iterator[Mind]:
    with Memory.open(tmp_path / "memory", WordsAndColours()) as memory:
        for room in range(10):
            for place in ("bed", "sink", "desk", "sofa"):
                question, answer = f"What is on the {place}?", f"the {place}'s cup"
                memory.add(f"room-{room}", jpeg(room), question, answer, "expert", "e")
        yield Mind("new", "s", load_model(student), None, memory, Config())


def _learning(mind: Mind, seed: int | None = 0) -> tuple[RoomsLearning, list[Event]]:
    said: list[Event] = []

    def say(kind: Callable[..., Event], /, **values: Any) -> None:
        said.append(kind(at=0.0, **values))

    return RoomsLearning(mind, seed, say), said


def _ended(learning: RoomsLearning) -> None:
    end = time.monotonic() + 60
    while learning.running and time.monotonic() < end:
        learning.look()
        time.sleep(0.05)
    assert not learning.running


def test_learnt_is_kept_beside_the_pairs(mind: Mind, student: str) -> None:
    folder = mind.memory.folder
    assert known_then(folder) == (0, 0)
    learn_rooms(folder, student, 0)
    assert known_then(folder) == (10, 40)
    assert (folder / VOTES).is_file() and (folder / AUDITS).is_file()
    (folder / "rooms.json").write_text("[]")
    assert known_then(folder) == (0, 0)


def test_a_child_learns_and_the_session_uses_it(mind: Mind) -> None:
    # The child finds MiniLM, not the words and colours of this memory, and so nothing to learn from.
    learning, said = _learning(mind)
    learning.start_if_due()
    assert learning.running
    _ended(learning)
    (event,) = said
    assert isinstance(event, RoomsLearnt) and (event.rooms, event.pairs) == (10, 40)
    assert other_rooms(mind.memory) is mind.others is None
    again, heard = _learning(mind)
    again.start_if_due()
    assert not again.running and not heard  # nothing is new


def test_it_is_begun_at_most_once_and_only_where_wanted(mind: Mind) -> None:
    never, _ = _learning(mind, seed=None)
    never.start_if_due()
    assert not never.running
    learning, said = _learning(mind)
    learning.start_if_due()
    learning.stop()
    learning.start_if_due()
    assert not learning.running and not said and known_then(mind.memory.folder) == (0, 0)


def test_a_child_that_fails_is_an_event(mind: Mind) -> None:
    learning, said = _learning(mind)
    learning.start_if_due()
    assert learning._child is not None
    learning._child.kill()
    _ended(learning)
    (event,) = said
    assert isinstance(event, Failed) and "rooms" in event.what


def test_the_command_names_what_is_wrong(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "agent.learning.rooms", str(tmp_path), "no-such-model", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2 and "no-such-model" in done.stderr
