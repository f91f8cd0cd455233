"""A session whose expert is on another machine: it answers, goes away, comes back; nothing of it is lost."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
import torch
from tiny_memory import WordsAndColours, jpeg
from tiny_models import tiny_florence
from tiny_server import TOKEN, running, said, small_application

from agent.loop import build
from agent.loop.build import SessionOptions, stage_session
from agent.recording.record import read_recording
from agent.recording.summary import summarise
from agent.recording.visit import read_visit
from agent.replay.replay import open_baselines, play
from agent.replay.session import ReplayOptions, replay_session
from bench.pretrain.blueprint import save_model
from core.config import Config
from core.errors import ConfigError
from core.events import (
    Activated,
    AdaptationStarted,
    Answered,
    Asked,
    Event,
    ExpertUnreachable,
    Remembered,
    Spent,
    ToldLate,
)
from core.sections import ExpertConfig, NetworkConfig
from expert.asking import QuestionBatch
from expert.desk import Answers
from memory.store import Memory

TURNS, WARM_UP, GONE, BACK = 20, 10, 4, 15
PAUSE = 5.5
"""Seconds after which a silent server is tried again."""


@pytest.fixture(autouse=True)
def small_embedder(monkeypatch: pytest.MonkeyPatch) -> None:
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
        {"frame": n % 2, "question": f"What is thing number {n}?", "answer": "red", "tag": "new-fact"}
        for n in range(TURNS)
    ]
    (folder / "session.json").write_text(json.dumps({"room": "den", "turns": turns}))
    return folder


class Red:
    """Says red to everything."""

    def answer(self, requests: Sequence[QuestionBatch]) -> list[Answers]:
        return [[said("red") for _ in request.questions] for request in requests]


class Server:
    """A server that can be stopped and started again at the same address."""

    def __init__(self) -> None:
        self._held = ExitStack()
        self.address = self._start(0)

    def _start(self, port: int) -> str:
        app = self._held.enter_context(small_application(Red(), token=TOKEN))
        return self._held.enter_context(running(app, port))

    def stop(self) -> None:
        self._held.close()

    def again(self) -> None:
        self._start(int(self.address.rpartition(":")[2]))


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


def _config(**more: object) -> Config:
    return Config(expert=ExpertConfig.model_validate({"token": TOKEN, "extra": 0, **more}))


def _played(
    visit: Path, student: str, address: str, out: Path, config: Config, at: dict[int, Callable[[], None]]
) -> list[Event]:
    """The events of a replay in which something happens as certain questions are asked."""

    def watch(event: Event) -> None:
        if isinstance(event, Asked):
            at.get(event.turn, lambda: None)()

    found, wish = read_visit(visit), SessionOptions(student, address, WARM_UP, 0, out)
    with stage_session(found, wish, config, watch) as stage:
        baselines = open_baselines(stage.controller, wish.student, wish.warm_up)
        play(found, stage.controller, baselines, config.images.max_pixels, stage.past)
    return list(read_recording(out / "session").events)


def test_what_the_expert_missed_is_put_to_it_when_it_is_back(
    visit: Path, student: str, tmp_path: Path, server: Server
) -> None:
    def back() -> None:
        time.sleep(PAUSE)
        server.again()

    events = _played(
        visit, student, server.address, tmp_path / "out", _config(), {GONE: server.stop, BACK: back}
    )
    answered = [event for event in events if isinstance(event, Answered)]
    assert [event.turn for event in answered] == list(range(1, TURNS + 1))
    assert {event.by for event in answered[: GONE - 1]} == {"expert"}
    assert {event.by for event in answered[GONE - 1 : WARM_UP]} == {"student"}
    missed = [event.turn for event in events if isinstance(event, ExpertUnreachable)]
    assert missed == list(range(GONE, WARM_UP + 1))
    late = [event for event in events if isinstance(event, ToldLate)]
    assert [event.turn for event in late] == missed and all(event.text == "red" for event in late)
    with Memory.open(tmp_path / "out" / "memory", read_only=True) as memory:
        assert len(memory.pairs("den")) == WARM_UP
    jobs = [event.pairs for event in events if isinstance(event, AdaptationStarted)]
    assert jobs[-1] == WARM_UP
    assert any(isinstance(event, Activated) and event.adapter for event in events)
    assert summarise(events).expert_calls == WARM_UP


def test_what_waits_survives_the_end_of_the_process(
    visit: Path, student: str, tmp_path: Path, server: Server
) -> None:
    class Cut(Exception):
        pass

    def cut() -> None:
        raise Cut

    out = tmp_path / "out"
    with pytest.raises(Cut):
        _played(visit, student, server.address, out, _config(), {2: server.stop, 6: cut})
    server.again()
    events = _played(visit, student, server.address, out, _config(), {})
    assert [event.turn for event in events if isinstance(event, ToldLate)] == [2, 3, 4, 5]
    remembered = {event.turn for event in events if isinstance(event, Remembered | ToldLate)}
    assert remembered == set(range(1, WARM_UP + 1))


def test_a_budget_holds_over_a_restart(visit: Path, student: str, tmp_path: Path, server: Server) -> None:
    class Cut(Exception):
        pass

    def cut() -> None:
        raise Cut

    out, config = tmp_path / "out", _config(max_calls=5)
    with pytest.raises(Cut):
        _played(visit, student, server.address, out, config, {4: cut})
    events = _played(visit, student, server.address, out, config, {})
    assert max(event.calls for event in events if isinstance(event, Spent)) == 5
    assert sum(isinstance(event, Remembered) for event in events) == 5
    assert any("max_calls" in event.reason for event in events if isinstance(event, ExpertUnreachable))


def test_an_expert_that_may_not_be_learnt_from_is_said_and_forgotten(
    visit: Path, student: str, tmp_path: Path
) -> None:
    with small_application(Red(), distillation=False) as app, running(app) as address:
        events = _played(visit, student, address, tmp_path / "out", _config(extra=100), {})
    answered = [event for event in events if isinstance(event, Answered)]
    assert [event.by for event in answered[:WARM_UP]] == ["expert"] * WARM_UP
    assert not any(isinstance(event, Remembered | AdaptationStarted) for event in events)


def test_the_token_and_the_address_keep_out_of_the_recording(
    visit: Path, student: str, tmp_path: Path, server: Server
) -> None:
    _played(visit, student, server.address, tmp_path / "out", _config(), {})
    for path in (tmp_path / "out").rglob("*"):
        if path.is_file():
            assert TOKEN.encode() not in path.read_bytes(), path


def test_offline_no_expert_elsewhere_is_asked(visit: Path, student: str, tmp_path: Path) -> None:
    config = Config(network=NetworkConfig(offline=True))
    with pytest.raises(ConfigError, match="offline"):
        options = ReplayOptions(visit, student, "https://expert.example", 4, out=tmp_path / "out", quiet=True)
        replay_session(options, config)
    assert not (tmp_path / "out").exists()
