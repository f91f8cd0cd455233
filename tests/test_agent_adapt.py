"""Adapting on request: the right room, enough pairs, the verdict, and nothing lost when it fails."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from rich.console import Console
from tiny_jobs import LIMITS, RECIPE, save_student
from tiny_memory import frame

import roomwise
from adapters.jobs.job import read_result, write_request, write_result
from adapters.jobs.request import Request, Result
from adapters.jobs.store import AdapterStore
from adapters.worker import work
from agent.learning.adapt import Adapted, adapt
from agent.learning.jobs import Job, Starter
from agent.learning.training import TrainingBar
from core.config import Config
from core.errors import InputError, ModelError, RoomwiseError, StorageError
from core.files import state_dir
from core.lazy import run
from core.lock import lock_folder
from core.sections import StudentConfig
from memory.store import Memory


class _Bar(TrainingBar):
    def __init__(self) -> None:
        super().__init__(Console())
        self.said: list[object] = []

    def start(self, pairs: int) -> None:
        self.said.append(pairs)

    def step(self, step: int, steps: int, loss: float) -> None:
        self.said.append((step, steps))

    def stop(self) -> None:
        self.said.append("stop")


class _Done(Job):
    """A job that was done where it was started."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, None)
        self.stopped = False

    def progress(self) -> Iterator[tuple[int, int, float]]:
        yield 40, 40, 0.5

    def stop(self) -> None:
        self.stopped = True


def _here(jobs: Path, request: Request) -> Job:
    """Runs the job in this process, with a recipe for a tiny student."""
    folder = jobs / "job"
    write_request(folder, replace(request, recipe=RECIPE, limits=LIMITS))
    threads = torch.get_num_threads()
    write_result(folder, work(folder))
    torch.set_num_threads(threads)
    return _Done(folder)


def _ending(result: Result) -> Starter:
    """A job that ends so, whatever it was asked."""

    def begin(jobs: Path, request: Request) -> Job:
        write_request(jobs / "job", request)
        write_result(jobs / "job", result)
        return _Done(jobs / "job")

    return begin


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    return Config(student=StudentConfig(model=save_student(tmp_path_factory.mktemp("models") / "student")))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with Memory.open(tmp_path / "memory") as memory:
        for number, answer in enumerate(("red", "two", "on the table", "blue", "one")):
            memory.add("den", frame(number % 2), f"What is thing {number}?", answer, "expert", "e")
        memory.add("hall", frame(0), "What is it?", "a hall", "expert", "e")
    return tmp_path


def test_a_better_candidate_answers_from_then_on(folder: Path, config: Config) -> None:
    bar = _Bar()
    done = adapt(folder, "den", 0, config, bar, _here)
    assert (done.adapter, done.pairs, done.held_out) == (1, 5, 1), done.reason
    assert bar.said == [5, (40, 40), "stop"]
    current = AdapterStore(folder / "adapters").current("den")
    assert current is not None and current.number == 1
    assert not list((folder / "jobs").iterdir())
    assert json.loads(json.dumps(done.to_dict()))["promoted"] is True


def test_a_rejected_one_changes_nothing_and_says_why(folder: Path, config: Config) -> None:
    done = adapt(folder, "den", 0, config, _Bar(), _ending(Result("reject", "It forgets.", 1.0)))
    assert (done.adapter, done.reason, done.to_dict()["promoted"]) == (None, "It forgets.", False)
    assert not AdapterStore(folder / "adapters").versions("den")


def test_a_job_that_failed_is_an_error_and_its_log_is_kept(folder: Path, config: Config) -> None:
    with pytest.raises(ModelError, match=r"Out of luck\. .*jobs"):
        adapt(folder, "den", 0, config, _Bar(), _ending(Result("failed", "Out of luck.", 1.0)))
    assert read_result(folder / "jobs" / "job") is not None


@pytest.mark.parametrize(
    ("room", "said"),
    [
        ("dem", r"'dem'\. Did you mean den\? There is: den \(5 pairs\), hall \(1 pairs\)"),
        ("hall", "hall has 1 pairs, 4 are needed"),
        (None, "several rooms: den .* Choose one with --room"),
    ],
)
def test_what_cannot_be_learnt_is_said(room: str | None, said: str, folder: Path, config: Config) -> None:
    with pytest.raises(InputError, match=said):
        adapt(folder, room, 0, config, _Bar(), _here)
    assert not (folder / "jobs").exists()


def test_the_only_room_needs_no_name(folder: Path, config: Config) -> None:
    with Memory.open(folder / "memory") as memory:
        memory.delete(memory.pairs("hall")[0].id)
    begin = _ending(Result("reject", "No.", 1.0))
    assert adapt(folder, None, 0, config, _Bar(), begin).room == "den"


def test_nothing_to_learn_leaves_no_folder(tmp_path: Path, config: Config) -> None:
    with pytest.raises(InputError, match="Nothing is remembered"):
        adapt(tmp_path / "new", None, 0, config, _Bar(), _here)
    assert not (tmp_path / "new").exists()


def test_a_folder_in_use_is_left_alone(folder: Path, config: Config) -> None:
    lock = lock_folder(folder)
    with pytest.raises(StorageError, match="in use"):
        adapt(folder, "den", 0, config, _Bar(), _here)
    lock.release()


def test_interrupted_it_stops_the_worker(folder: Path, config: Config) -> None:
    begun: list[_Done] = []

    class _Endless(_Done):
        def wait(self, seconds: float | None = None) -> Result | None:
            raise KeyboardInterrupt

    def begin(jobs: Path, request: Request) -> Job:
        begun.append(_Endless(jobs / "job"))
        return begun[0]

    bar = _Bar()
    with pytest.raises(KeyboardInterrupt):
        adapt(folder, "den", 0, config, bar, begin)
    assert begun[0].stopped and bar.said[-1] == "stop"
    lock_folder(folder).release()


@pytest.mark.parametrize(
    ("adapter", "said"),
    [
        (3, "Promoted: Because. Adapter 3 answers"),
        (None, "Rejected: Because. What answered before still does"),
    ],
)
def test_the_verb_says_what_it_did_and_ends_with_zero(
    adapter: int | None, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    done = Adapted("den", 10, 2, adapter, "Because.", 12.3, 40, {})
    monkeypatch.setattr("agent.learning.adapt.adapt", lambda *args: done)
    assert run(roomwise.app, "roomwise", ["adapt", "--room", "den"]) == 0
    out = capsys.readouterr().out
    assert "10 pairs, 2 of them held out, 12 s" in out and said in out
    assert ("rollback den" in out) == (adapter is not None)
    assert run(roomwise.app, "roomwise", ["adapt", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["command"], told["adapter"], told["promoted"]) == ("adapt", adapter, adapter is not None)


def test_the_verb_ends_with_two_on_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(roomwise.app, "roomwise", ["adapt", "--room", "attic"]) == RoomwiseError.exit_code
    assert "Nothing is remembered" in capsys.readouterr().err
    assert not state_dir().exists()
