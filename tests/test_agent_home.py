"""Home: what all rooms taught, where it answers, when it is consolidated, and who judges it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import pytest
import torch
from rich.console import Console
from tiny_jobs import LIMITS, RECIPE, save_student
from tiny_memory import WordsAndColours, frame

import roomwise
from adapters.jobs.job import write_request, write_result
from adapters.jobs.request import HOME_RECIPE, Request, Result
from adapters.jobs.store import HOME, AdapterStore
from adapters.worker import work
from agent.learning import home
from agent.learning.adapt import adapt_home
from agent.learning.guard import RoomCounts, home_due
from agent.learning.home import home_adaptation, home_limits, home_request, judges
from agent.learning.jobs import Job
from agent.learning.room import adaptation_request, room_request
from agent.learning.task import LearningSettings
from agent.learning.training import TrainingBar
from agent.loop.build import SessionFolders, SessionOptions, _learning
from agent.loop.controller import Controller
from agent.recording.past import Past
from agent.recording.record import Recorder
from agent.turns.answerers import Answerers, Room
from core.config import Config
from core.errors import InputError
from core.events import Activated, AdaptationStarted, Answered, Consolidated, Event, Resumed, Routed
from core.lazy import run
from core.sections import AdaptationConfig, StudentConfig
from core.types import Asker
from memory.store import Memory
from models.lora import base_of, read_adapter
from models.registry import load_model

EARLIER = ("hall", "attic", "kitchen", "cellar", "study")
_ANSWERS = ("red", "two", "on the table", "blue")


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_student(tmp_path_factory.mktemp("student") / "tiny")


def visited(folder: Path, rooms: tuple[str, ...] = EARLIER, each: int = 4, agents: int = 0) -> Path:
    """A memory of so many pairs of each room."""
    with Memory.open(folder / "memory", WordsAndColours()) as memory:
        for room in rooms:
            for number in range(each + agents):
                asker: Asker = "person" if number < each else "agent"
                question = f"What is thing {number} of the {room}?"
                memory.add(
                    room, frame(number % 2), question, _ANSWERS[number % 4], "expert", "e", asker=asker
                )
    return folder


def done(jobs: Path, request: Request) -> Job:
    """The job, done in this process by a recipe for a tiny student."""
    job = jobs / request.room
    write_request(job, replace(request, recipe=RECIPE, limits=replace(LIMITS, loses=1.0)))
    threads = torch.get_num_threads()
    write_result(job, work(job))
    torch.set_num_threads(threads)
    return Job(job, None)


@pytest.fixture(scope="module")
def consolidated(student: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Adapters and memory of somebody who has been in five rooms and has a home."""
    folder = visited(tmp_path_factory.mktemp("home"))
    config = Config(student=StudentConfig(model=student))
    assert adapt_home(folder, 0, config, _silent(), done).adapter == 1
    return folder


def _silent() -> TrainingBar:
    return TrainingBar(Console(quiet=True))


@pytest.mark.parametrize("count", range(13))
def test_some_whole_rooms_judge(count: int) -> None:
    rooms = [f"room-{number}" for number in range(count)]
    judging = judges(rooms)
    assert len(judging) == (0 if count < 3 else max(1, count // 5))
    assert set(judging) <= set(rooms)
    if count >= 5:  # who judged once goes on judging
        assert set(judges(rooms[:-1])) <= set(judging) or count == 5


@pytest.mark.parametrize(
    ("known", "now"),
    [
        (RoomCounts(2, 900), False),
        (RoomCounts(3, 12), True),
        (RoomCounts(3, 61, 3, 12), False),
        (RoomCounts(3, 62, 3, 12), True),
        (RoomCounts(4, 13, 3, 12), True),
        (RoomCounts(3, 12, 3, 12), False),
    ],
)
def test_home_is_due(known: RoomCounts, now: bool) -> None:
    assert home_due(known) is now


def test_it_learns_from_all_rooms_evenly_and_is_judged_by_others(
    student: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(home, "_MOST", 30)
    with Memory.open(visited(tmp_path, agents=6) / "memory", read_only=True) as memory:
        room_of = {pair.id: pair.room for pair in memory.pairs()}
        wanted = home_request(memory, student, home_limits(Config()), 0)
        assert home_request(memory, student, home_limits(Config()), 0) == wanted
        fewer = home_request(memory, student, home_limits(Config()), 0, but="study")
    assert {room_of[one.id] for one in wanted.hold_out} == {"study"}
    learnt = [room_of[one.id] for one in (*wanted.train, *wanted.extra)]
    assert len(learnt) + len(wanted.hold_out) == 30 and "study" not in learnt
    assert len(wanted.train) == 16 and {learnt.count(room) for room in EARLIER[:4]} == {5}
    assert (wanted.room, wanted.parent, wanted.current) == (HOME, None, None)
    assert wanted.limits.loses == 0.0 and wanted.recipe == HOME_RECIPE
    assert {room_of[one.id] for one in fewer.hold_out} == {"cellar"}
    assert "study" not in {room_of[one.id] for one in (*fewer.train, *fewer.extra)}


def test_without_questions_of_the_agent_a_step_is_as_large(student: str, tmp_path: Path) -> None:
    with Memory.open(visited(tmp_path) / "memory", read_only=True) as memory:
        wanted = home_request(memory, student, home_limits(Config()), 0)
    assert not wanted.extra and wanted.recipe.batch == HOME_RECIPE.batch + HOME_RECIPE.extra


def test_a_room_builds_upon_home_and_is_compared_with_it(consolidated: Path, student: str) -> None:
    store = AdapterStore(consolidated / "adapters")
    current = store.current(HOME)
    assert current is not None and current.about["parent"] is None and store.considered() == (5, 20)
    with Memory.open(consolidated / "memory", WordsAndColours(), read_only=True) as memory:
        again = room_request(memory, "hall", student, store, LIMITS, 0)
    assert again.parent == again.current == current.folder
    assert not again.hold_out  # home has seen all of them
    assert read_adapter(current.folder, base_of(student)).rank == RECIPE.rank


@dataclass
class _Child:
    """A worker as a Popen: runs until it is told how it ends."""

    returncode: int | None = None
    stdin: None = None

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int | None:
        return self.returncode

    def terminate(self) -> None:
        self.returncode = -15


@dataclass
class _Scene:
    """A session in a room that is new, beside it the children that the test plays."""

    folder: Path
    answerers: Answerers
    events: list[Event] = field(default_factory=list)
    jobs: list[tuple[Path, Request, _Child]] = field(default_factory=list)

    def begun(self) -> Controller:
        adapting = LearningSettings(
            AdapterStore(self.folder / "adapters"),
            self.folder / "jobs",
            partial(adaptation_request, seed=0),
            self._start,
            partial(home_adaptation, seed=0),
        )
        recorder = Recorder(self.folder / "session", {})
        made = Controller(self.answerers, Room("den"), adapting, recorder, 2, self.events.append, Past("s"))
        made.begin(Resumed(at=0.0, turn=1))
        return made

    def _start(self, folder: Path, request: Request) -> Job:
        job = folder / f"job-{len(self.jobs)}"
        write_request(job, replace(request, recipe=RECIPE, limits=replace(LIMITS, loses=1.0)))
        (job / "worker.log").write_text("")
        self.jobs.append((job, request, _Child()))
        return Job(job, self.jobs[-1][2])  # type: ignore[arg-type]

    def end(self, result: Result | None = None) -> None:
        """The last job comes to its end: a real one, or as it is told."""
        job, _, child = self.jobs[-1]
        write_result(job, result or work(job))
        child.returncode = 0

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture
def scene(student: str, tmp_path: Path) -> Iterator[_Scene]:
    config = Config(adaptation=AdaptationConfig(least_pairs=2, again_after=2))
    with Memory.open(visited(tmp_path, EARLIER[:3]) / "memory", WordsAndColours()) as memory:
        yield _Scene(tmp_path, Answerers("s", load_model(student), None, memory, config))


def test_a_new_room_begins_with_home_as_soon_as_there_is_one(scene: _Scene) -> None:
    controller = scene.begun()
    question = "What is thing 0 of the den?"
    before = controller.ask(question, frame(5))
    controller.between_turns()
    ((job, request, _),) = scene.jobs
    assert request.room == HOME and job.parent.name == "home" and not scene.of(AdaptationStarted)
    assert before.adapter == ""
    scene.end()
    controller.settle()  # does not wait for it
    controller.between_turns()
    (told,) = scene.of(Consolidated)
    assert isinstance(told, Consolidated)
    assert (told.rooms, told.pairs, told.promoted, told.adapter) == (3, 12, True, "home 0001"), told.reason
    assert not job.exists()
    assert [event.adapter for event in scene.of(Activated) if isinstance(event, Activated)] == ["home 0001"]
    for turn in (2, 3):
        after = controller.ask(f"What is thing {turn} of the den?", frame(5))
    assert isinstance(after, Answered) and after.adapter == "home 0001"
    routed = scene.of(Routed)[-1]
    assert isinstance(routed, Routed) and "as other rooms taught it (home 0001)" in routed.reason
    controller.between_turns()
    assert len(scene.jobs) == 1  # nothing has come to the other rooms
    assert AdapterStore(scene.folder / "adapters").considered() == (3, 12)
    controller.close()


def test_it_gives_way_to_the_job_of_the_room_and_is_due_again(scene: _Scene) -> None:
    controller = scene.begun()
    controller.between_turns()
    for number in range(2):
        controller.ask(f"What is thing {number}?", frame(5))
        question = f"What else is thing {number}?"
        scene.answerers.memory.add("den", frame(number), question, "red", "expert", "oracle")
    controller.between_turns()
    (home_job, _, child), (_, request, _) = scene.jobs
    assert child.returncode == -15 and not home_job.exists()
    assert request.room == "den" and request.parent is None
    scene.end(Result("reject", "Because.", 1.0))
    controller.between_turns()
    assert [wanted.room for _, wanted, _ in scene.jobs] == [HOME, "den", HOME]
    controller.close()
    assert scene.jobs[-1][2].returncode == -15 and not scene.jobs[-1][0].exists()
    assert not scene.of(Consolidated)
    assert AdapterStore(scene.folder / "adapters").considered() == (0, 0)


def test_a_rejected_one_changes_nothing_and_is_not_tried_again(scene: _Scene) -> None:
    controller = scene.begun()
    controller.between_turns()
    scene.end(Result("reject", "It loses 1 of 4 held-out answers.", 1.0))
    controller.between_turns()
    controller.between_turns()
    (told,) = scene.of(Consolidated)
    assert isinstance(told, Consolidated) and not told.promoted and "loses" in told.reason
    assert len(scene.jobs) == 1 and not scene.of(Activated)
    assert AdapterStore(scene.folder / "adapters").rooms() == []
    controller.close()


@pytest.mark.parametrize("live", [True, False])
def test_only_a_session_that_takes_its_time_makes_a_home(live: bool, tmp_path: Path) -> None:
    wish = SessionOptions("builtin-student", "recorded", 4, 0, tmp_path, live)
    assert (_learning(SessionFolders.below(tmp_path), wish).home is not None) is live


def test_where_a_rooms_adapter_knows_nothing_home_answers(
    consolidated: Path, student: str, tmp_path: Path
) -> None:
    store = AdapterStore(consolidated / "adapters")
    with Memory.open(consolidated / "memory", WordsAndColours(), read_only=True) as memory:
        wanted = room_request(memory, "hall", student, store, LIMITS, 0)
        answerers = Answerers("s", load_model(student), None, memory, Config())
        job = done(tmp_path, wanted)
        current = store.current(HOME)
        assert current is not None
        base = base_of(student)
        answerers.slot.rest_on(read_adapter(current.folder, base))
        with answerers.slot.suspended():
            at_rest = {name: value.clone() for name, value in answerers.student.module.state_dict().items()}
        answerers.slot.activate(read_adapter(job.folder / "candidate", base))
        in_room = {name: value.clone() for name, value in answerers.student.module.state_dict().items()}
        with answerers.slot.suspended():
            now = answerers.student.module.state_dict()
            assert all(torch.equal(now[name], value) for name, value in at_rest.items())
        assert any(not torch.equal(in_room[name], value) for name, value in at_rest.items())
    about = json.loads((job.folder / "candidate" / "version.json").read_text())
    assert about["parent"]["room"] == about["before"]["room"] == HOME


def test_the_verb_needs_rooms_that_judge(
    student: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = Config(student=StudentConfig(model=student))
    with pytest.raises(InputError, match="Nothing is remembered"):
        adapt_home(tmp_path, 0, config, _silent(), done)
    visited(tmp_path, EARLIER[:2])
    with pytest.raises(InputError, match=r"3 are needed, memory has 2\. .*--room attic"):
        adapt_home(tmp_path, 0, config, _silent(), done)
    assert not (tmp_path / "jobs").exists()
    assert run(roomwise.app, "roomwise", ["adapt", "--home", "--room", "den"]) == InputError.exit_code
    assert "Leave out" in capsys.readouterr().err
    assert run(roomwise.app, "roomwise", ["adapt", "--home", "--folder", str(tmp_path)]) == 2
    assert "3 are needed" in capsys.readouterr().err
