"""A session's controller: what happens between turns, without a training child."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tiny_jobs import save_student
from tiny_memory import WordsAndColours, frame

from adapters.jobs.job import write_result
from adapters.jobs.request import Recipe, Request, Result
from adapters.jobs.store import AdapterStore
from agent.learning.guard import Fit, Machine
from agent.learning.jobs import Job
from agent.learning.room import adaptation_request
from agent.learning.task import LearningSettings
from agent.loop.controller import Controller
from agent.recording.past import Past
from agent.recording.record import Recorder
from agent.turns.answerers import Answerers, Room
from agent.whereabouts.whereabouts import Move
from core.config import Config
from core.errors import QuestionError, StorageError
from core.events import (
    Activated,
    AdaptationEnded,
    AdaptationStarted,
    Answered,
    Event,
    Failed,
    LearningHeld,
    Remembered,
    Resumed,
    RoomEntered,
    Routed,
    SessionEnded,
)
from core.files import sha256_file
from core.sections import AdaptationConfig
from core.types import Answer, Cost, ExpertReply, Frame
from memory.store import Memory
from models.lora import Adapter, base_of, write_adapter
from models.registry import load_model

_BEGUN = Resumed(at=0.0, turn=1)


class _Child:
    """A worker as a Popen: runs until it is told how it ends."""

    stdin = None

    def __init__(self) -> None:
        self.returncode: int | None = None
        self.stopped = False

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int | None:
        return self.returncode

    def terminate(self) -> None:
        self.stopped = True
        self.returncode = -15


class _Oracle:
    """Knows one answer, and no more."""

    name, teaches, cost = "oracle", True, Cost()

    def ask(self, frame: Frame, question: str, turn: int) -> ExpertReply:
        return ExpertReply(Answer("left", (), (), 1.0))

    def ask_more(self, frame: Frame, questions: Sequence[str]) -> list[ExpertReply]:
        return []


@dataclass
class _Scene:
    """A controller whose children are played by the test."""

    folder: Path
    answerers: Answerers
    events: list[Event] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    children: list[_Child] = field(default_factory=list)
    recorders: list[Recorder] = field(default_factory=list)
    refuse: bool = False
    machine: Machine = field(default_factory=Machine)
    fit: Fit | None = None

    def controller(self, past: Past | None = None, warm_up: int = 0) -> Controller:
        adapting = LearningSettings(
            self.store, self.folder / "jobs", self._request, self._start,
            fit=lambda order: self.fit or Fit(order.recipe), machine=lambda: self.machine,
        )  # fmt: skip
        self.recorders.append(Recorder(self.folder / f"session-{len(self.recorders)}", {}))
        watch = self.events.append
        made = Controller(
            self.answerers, Room("den"), adapting, self.recorders[-1], warm_up, watch, past or Past("s")
        )
        made.begin(_BEGUN)
        return made

    @property
    def store(self) -> AdapterStore:
        return AdapterStore(self.folder / "adapters")

    @property
    def job(self) -> Path:
        """The job that was begun last."""
        return self.folder / "jobs" / f"job-{len(self.requests)}"

    def end(self, outcome: Any) -> None:
        """Let the child that runs come to its end."""
        if outcome == "promote":
            _write_candidate(self.job / "candidate", self.answerers)
        write_result(self.job, Result(outcome, "Because.", 1.0, scores={"candidate": {"exact": 0.5}}))
        self.children[-1].returncode = 0

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def _request(self, answerers: Answerers, room: str, store: AdapterStore) -> Request:
        return adaptation_request(answerers, room, store, 0)

    def _start(self, folder: Path, request: Request) -> Job:
        if self.refuse:
            raise StorageError("No place for a job. Make some.")
        self.requests.append(request)
        self.children.append(_Child())
        self.job.mkdir(parents=True)
        (self.job / "worker.log").write_text("")
        return Job(self.job, self.children[-1])  # type: ignore[arg-type]


def _write_candidate(folder: Path, answerers: Answerers) -> None:
    """An adapter that changes nothing."""
    folder.mkdir()
    name = answerers.student.lora_targets()[0]
    rows, columns = answerers.student.module.get_parameter(f"{name}.weight").shape
    weight = answerers.student.module.get_parameter(f"{name}.weight")
    base = base_of(answerers.student.name)
    matrices = {name: (weight.new_zeros(2, columns), weight.new_zeros(rows, 2))}
    write_adapter(Adapter(2, 2.0, matrices), base, folder)
    about = {"base": vars(base), "sha256": sha256_file(folder / "adapter_model.safetensors")}
    taught = [pair.id for pair in answerers.memory.pairs("den")]
    (folder / "version.json").write_text(json.dumps({**about, "pairs": taught, "job": folder.parent.name}))


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_student(tmp_path_factory.mktemp("student") / "tiny")


@pytest.fixture
def scene(student: str, tmp_path: Path) -> Iterator[_Scene]:
    config = Config(adaptation=AdaptationConfig(least_pairs=2, again_after=2))
    with Memory.open(tmp_path / "memory", WordsAndColours()) as memory:
        made = _Scene(tmp_path, Answerers("s", load_model(student), None, memory, config))
        _teach(made, 2)
        yield made
        for recorder in made.recorders:  # of controllers that were not closed, as if killed
            recorder.close()


def _teach(scene: _Scene, count: int) -> None:
    for _ in range(count):
        number = len(scene.answerers.memory.pairs())
        scene.answerers.memory.add(
            "den", frame(number), f"What is thing {number}?", "red", "expert", "oracle"
        )


def test_a_candidate_answers_from_the_next_boundary_between_turns(scene: _Scene) -> None:
    controller = scene.controller()
    controller.between_turns()
    (started,) = scene.of(AdaptationStarted)
    assert (started.pairs, started.job) == (2, "job-1")
    scene.end("promote")
    answered = controller.ask("What is thing 9?", frame(9))
    assert (answered.by, answered.adapter) == ("student", "")
    controller.between_turns()
    assert [event.adapter for event in scene.of(Activated)] == ["0001"]
    (ended,) = scene.of(AdaptationEnded)
    assert (ended.promoted, ended.adapter, ended.scores) == (True, "0001", {"candidate.exact": 0.5})
    assert controller.ask("What is thing 9?", frame(1)).adapter == "0001"
    controller.close()


def test_a_rejected_candidate_changes_nothing_and_the_next_one_waits_for_new_pairs(scene: _Scene) -> None:
    controller = scene.controller()
    controller.between_turns()
    scene.end("reject")
    controller.between_turns()
    (ended,) = scene.of(AdaptationEnded)
    assert (ended.promoted, ended.reason, ended.again) == (False, "Because.", False)
    assert not scene.of(Activated) and scene.store.current("den") is None
    _teach(scene, 1)
    controller.between_turns()
    assert len(scene.requests) == 1
    _teach(scene, 1)
    controller.between_turns()
    assert len(scene.requests) == 2
    controller.close()


def test_a_job_that_cannot_start_is_told_and_costs_no_answer(scene: _Scene) -> None:
    controller = scene.controller()
    scene.refuse = True
    controller.between_turns()
    controller.between_turns()
    (failed,) = scene.of(Failed)
    assert failed.what == "adaptation" and "Make some" in failed.error
    assert controller.ask("What is thing 9?", frame(9)).by == "student"
    scene.refuse = False
    _teach(scene, 2)
    controller.between_turns()
    assert len(scene.requests) == 1
    controller.close()


def test_a_worker_that_dies_is_replaced_but_not_for_ever(scene: _Scene) -> None:
    controller = scene.controller()
    for deaths in range(1, 4):
        controller.between_turns()
        assert len(scene.requests) == deaths
        scene.children[-1].returncode = -9
    controller.between_turns()
    controller.between_turns()
    assert [event.again for event in scene.of(AdaptationEnded)] == [True, True, False]
    assert "killed (signal 9)" in scene.of(AdaptationEnded)[0].reason
    assert len(scene.requests) == 3
    controller.close()


def test_closing_stops_the_child_and_says_so(scene: _Scene) -> None:
    controller = scene.controller()
    controller.between_turns()
    controller.close()
    assert scene.children[0].stopped
    (ended,) = scene.of(AdaptationEnded)
    assert ended.again and not ended.promoted
    assert isinstance(scene.events[-1], SessionEnded)


def test_a_child_that_was_just_done_is_heard_on_closing(scene: _Scene) -> None:
    controller = scene.controller()
    controller.between_turns()
    scene.end("promote")
    controller.close()
    current = scene.store.current("den")
    assert current is not None and current.number == 1
    assert scene.of(AdaptationEnded)[0].promoted


def test_settling_waits_for_the_verdict(scene: _Scene) -> None:
    controller = scene.controller()
    controller.settle()
    controller.between_turns()
    scene.end("promote")
    controller.settle()
    assert scene.of(Activated)
    controller.close()


def test_a_job_that_ended_unheard_is_heard_when_the_session_goes_on(scene: _Scene) -> None:
    scene.controller().between_turns()
    scene.end("promote")
    (started,) = scene.of(AdaptationStarted)
    past = Past("s", begun=True, open_job=started)
    (scene.folder / "jobs" / "half").mkdir()
    for _ in range(2):  # the second time it was adopted, and nobody was told
        scene.events.clear()
        controller = scene.controller(past)
        assert not (scene.folder / "jobs" / "half").exists()
        controller.between_turns()
        assert scene.of(AdaptationEnded)[0].adapter == "0001"
        assert len(scene.store.versions("den")) == 1
        assert len(scene.requests) == 1
        controller.close()


def test_a_job_that_came_to_no_end_is_begun_anew(scene: _Scene) -> None:
    scene.controller().between_turns()
    (started,) = scene.of(AdaptationStarted)
    half = scene.job
    controller = scene.controller(Past("s", begun=True, open_job=started))
    assert not half.exists()
    controller.between_turns()
    assert len(scene.requests) == 2
    controller.close()


def test_a_damaged_adapter_is_named_and_the_one_before_it_answers(scene: _Scene) -> None:
    controller = scene.controller()
    for _ in range(2):
        controller.between_turns()
        scene.end("promote")
        controller.between_turns()
        _teach(scene, 2)
    controller.close()
    current = scene.store.current("den")
    assert current is not None and current.number == 2
    (current.folder / "adapter_model.safetensors").write_bytes(b"")
    scene.events.clear()
    scene.controller().close()
    assert any("0002" in event.error for event in scene.of(Failed))
    assert [event.adapter for event in scene.of(Activated)] == ["0001"]


def test_a_question_without_words_is_no_turn(scene: _Scene) -> None:
    controller = scene.controller()
    with pytest.raises(QuestionError):
        controller.ask("\x07 \u200b", frame())
    controller.ask("What is thing 9?", frame(9))
    assert [event.turn for event in scene.of(Answered)] == [1]
    controller.close()


def test_a_hot_machine_learns_later(scene: _Scene) -> None:
    controller = scene.controller()
    controller.between_turns()
    assert len(scene.requests) == 1
    scene.machine = Machine(celsius=99.0)
    controller.between_turns()
    controller.between_turns()
    (held,) = scene.of(LearningHeld)
    assert "99 °C" in held.reason and scene.children[0].stopped
    (ended,) = scene.of(AdaptationEnded)
    assert ended.again
    scene.machine = Machine(celsius=40.0)
    controller.between_turns()
    assert [bool(event.reason) for event in scene.of(LearningHeld)] == [True, False]
    assert len(scene.requests) == 2


def test_what_does_not_fit_is_shrunk_or_refused_and_said(scene: _Scene) -> None:
    scene.fit = Fit(Recipe(batch=3), "Fewer pairs to a step.")
    controller = scene.controller()
    controller.between_turns()
    assert scene.requests[0].recipe.batch == 3
    assert [event.note for event in scene.of(AdaptationStarted)] == ["Fewer pairs to a step."]
    scene.end("reject")
    controller.between_turns()
    scene.fit = Fit(None, "No memory. Close other programs.")
    _teach(scene, 2)
    controller.between_turns()
    controller.between_turns()
    assert [event.error for event in scene.of(Failed)] == ["No memory. Close other programs."]
    assert len(scene.requests) == 1


def test_a_job_is_for_its_own_room_wherever_one_is_when_it_ends(scene: _Scene) -> None:
    controller = scene.controller()
    controller.between_turns()
    controller.rooms.enter(Move("hall", new=True, reason="It looks like it."))
    scene.end("promote")
    controller.between_turns()
    (entered,) = scene.of(RoomEntered)
    assert (entered.room, entered.before, entered.new) == ("hall", "den", True)
    assert scene.of(AdaptationEnded)[-1].room == "den"
    assert scene.store.current("den") is not None and scene.store.current("hall") is None
    assert not scene.of(Activated)
    controller.rooms.enter(Move("den", reason="It was seen before."))
    assert [event.adapter for event in scene.of(Activated)] == ["0001"]
    controller.rooms.enter(Move("hall", reason="It was seen before."))
    assert [event.adapter for event in scene.of(Activated)] == ["0001", ""]


def test_each_room_has_a_warm_up_and_keeps_what_was_asked_in_it(scene: _Scene) -> None:
    scene.answerers.expert = _Oracle()
    controller = scene.controller(warm_up=1)
    for room in ("den", "hall", "den", "hall"):
        if controller.rooms.here.name != room:
            controller.rooms.enter(Move(room, reason="It looks like it."))
        number = len(scene.of(Routed))
        controller.ask(f"Where is the lamp {number}?", frame(20 + number))
    assert [event.to for event in scene.of(Routed)] == ["expert", "expert", "student", "student"]
    of_turns = {event.turn: scene.answerers.memory.get(event.pair).room for event in scene.of(Remembered)}
    assert of_turns == {1: "den", 2: "hall"}
    controller.correct(1, "there")
    controller.correct(3, "here")
    given = [pair for pair in scene.answerers.memory.pairs() if pair.answer in {"here", "there"}]
    assert [pair.room for pair in given] == ["den", "den"]


def test_what_was_asked_before_the_room_was_told_is_of_that_room(scene: _Scene) -> None:
    controller = scene.controller()
    controller.rooms.enter(Move("hall", reason="It looks like it.", moved=True))
    assert scene.answerers.memory.rooms() == {"hall": 2}
