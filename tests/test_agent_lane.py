"""The learning lane: never two learners, none lost, whatever happens in whatever order."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.jobs.request import Recipe, Result
from agent.learning.guard import Fit, Order
from agent.learning.jobs import Job
from agent.learning.lane import Lane
from agent.learning.task import Task
from core.errors import StorageError
from core.events import Failed, LearningHeld, LearningPaused


class _Job(Job):
    """A child that the test plays. `alive` counts those that hold the slot."""

    alive = 0

    def __init__(self) -> None:
        super().__init__(Path("nowhere"), None)
        self.result: Result | None = None
        _Job.alive += 1

    def ends(self, outcome: Any) -> None:
        self.result, self.died = Result(outcome, "Because.", 1.0), outcome == "failed"
        _Job.alive -= 1

    def poll(self) -> Result | None:
        return self.result

    def stop(self) -> None:
        if self.result is None:
            self.ends("cancelled")


class _Task(Task):
    """Due when the test says so. Every arrival is waiting, running, ended or given up."""

    def __init__(self, name: str) -> None:
        self.name = name  # type: ignore[misc]  # one class, several tasks
        self.waiting = False
        self.counted: Counter[str] = Counter()
        self.jobs: list[_Job] = []
        self.breaks = False

    def arrive(self) -> None:
        if not self.waiting:
            self.waiting = True
            self.counted["arrived"] += 1

    def due(self) -> bool:
        return self.waiting

    def order(self) -> Order:
        self.waiting = False
        return Order(None, Recipe())

    def start(self, recipe: Recipe | None, note: str) -> Job:
        if self.breaks:
            self.counted["broken"] += 1
            raise StorageError("No place for a job. Make some.")
        self.jobs.append(_Job())
        assert _Job.alive == 1, "two learn at once"
        return self.jobs[-1]

    def end(self, job: Job, result: Result) -> bool:
        self.counted["ended"] += 1
        return result.outcome == "promote"

    def put_back(self) -> None:
        # What has arrived meanwhile is learnt by the same job.
        self.counted["put back"] += 1
        self.counted["merged"] += self.waiting
        self.waiting = True


class _World:
    """A lane, what surrounds it, and what has been said."""

    def __init__(self, *names: str) -> None:
        _Job.alive = 0
        self.tasks = [_Task(name) for name in names]
        self.hot, self.refuses = "", False
        self.said: list[Any] = []
        self.lane = Lane(self.tasks, self._fit, lambda held: self.hot, self._say)

    def _fit(self, order: Order) -> Fit:
        return Fit(None, "No memory. Close other programs.") if self.refuses else Fit(order.recipe)

    def _say(self, kind: Any, /, **values: Any) -> None:
        self.said.append(kind(at=0.0, **values))

    def between(self) -> None:
        """As a session does between two turns."""
        try:
            self.lane.look()
            self.lane.go_on()
        except StorageError:
            self.abandon()

    def step(self, step: str, value: int) -> None:
        """One thing that happens."""
        if step in ("promote", "reject", "failed"):
            self.child(step)
        else:
            happens: dict[str, Callable[[], object]] = {
                "arrive": lambda: self.tasks[value].arrive(),
                "stop": self.lane.stop,
                "abandon": self.abandon,
                "pause": lambda: self.lane.pause(bool(value)),
                "heat": lambda: setattr(self, "hot", "It is hot." if value else ""),
                "refuse": lambda: setattr(self, "refuses", bool(value)),
                "break": lambda: self.break_all(bool(value)),
                "between": lambda: None,
            }
            happens[step]()
        if step in ("between", "arrive", "failed"):
            self.between()

    def break_all(self, broken: bool) -> None:
        """No job can be started, or all can again."""
        for task in self.tasks:
            task.breaks = broken

    def abandon(self) -> None:
        """A fault; after so many the task is given up."""
        running = self.lane.running
        before = running.counted["put back"] if isinstance(running, _Task) else 0
        self.lane.abandon()
        if isinstance(running, _Task) and running.counted["put back"] == before:
            running.counted["ended"] += 1

    def child(self, outcome: str) -> None:
        if self.lane._running is not None:
            job = self.lane._running[1]
            assert isinstance(job, _Job)
            if job.result is None:
                job.ends(outcome)

    def lost(self) -> Counter[str]:
        """Arrivals of each task that nobody answers for."""
        refused = Counter(event.what for event in self.said if isinstance(event, Failed))
        return Counter({
            task.name: task.counted["arrived"]
            - task.waiting
            - (self.lane.running is task)
            - task.counted["ended"]
            - task.counted["broken"]
            - task.counted["merged"]
            - refused[task.name]
            for task in self.tasks
        })


_STEPS = st.one_of(
    st.tuples(st.sampled_from(["arrive"]), st.integers(0, 3)),
    st.tuples(st.sampled_from(["promote", "reject", "failed", "stop", "abandon"]), st.just(0)),
    st.tuples(st.sampled_from(["pause", "heat", "refuse", "break", "between"]), st.integers(0, 1)),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(_STEPS, max_size=60))
def test_never_two_learn_and_none_is_lost(steps: list[tuple[str, int]]) -> None:
    world = _World("room", "home", "camera", "rooms")
    for step, value in steps:
        world.step(step, value)
        assert _Job.alive <= 1
        assert not +world.lost() and not -world.lost()
    world.hot, world.refuses = "", False
    world.break_all(False)
    world.lane.pause(False)
    for _ in range(40):  # left alone, everything that waits is learnt
        world.between()
        world.child("promote")
    world.lane.look()
    assert world.lane.running is None and not any(task.waiting for task in world.tasks)


def test_what_is_more_urgent_takes_the_slot_and_the_other_is_put_back() -> None:
    world = _World("room", "home")
    room, home = world.tasks
    home.arrive()
    world.between()
    room.arrive()
    world.between()
    assert world.lane.running == room and home.waiting
    world.child("reject")
    world.between()
    assert [len(task.jobs) for task in world.tasks] == [1, 2]


def test_what_is_less_urgent_waits() -> None:
    world = _World("room", "home")
    room, home = world.tasks
    room.arrive()
    world.between()
    home.arrive()
    world.between()
    assert world.lane.running is room and home.waiting and not home.jobs


def test_a_verdict_that_came_before_the_stop_is_heard() -> None:
    world = _World("room")
    world.tasks[0].arrive()
    world.between()
    world.child("promote")
    assert world.lane.stop()
    assert world.tasks[0].counted["ended"] == 1 and not world.tasks[0].waiting


def test_what_does_not_fit_gives_way_to_what_does() -> None:
    world = _World("room", "home")
    for task in world.tasks:
        task.arrive()
    world.lane._fit = lambda order: Fit(None, "No memory.") if not world.said else Fit(order.recipe)
    world.between()
    assert [event.what for event in world.said] == ["room"] and world.lane.running is world.tasks[1]


@pytest.mark.parametrize("why", ["heat", "pause"])
def test_held_back_nothing_begins_and_what_runs_is_put_back(why: str) -> None:
    world = _World("room")
    world.tasks[0].arrive()
    world.between()
    if why == "heat":
        world.hot = "It is hot."
    else:
        world.lane.pause(True)
    world.between()
    world.between()
    assert world.tasks[0].waiting and _Job.alive == 0
    world.hot = ""
    world.lane.pause(False)
    world.between()
    assert world.lane.running is world.tasks[0]
    kinds = {"heat": LearningHeld, "pause": LearningPaused}
    assert [type(event) for event in world.said] == [kinds[why]] * 2
