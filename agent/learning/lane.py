"""One lane for all learning: one slot, tasks in order of priority.

The memory guard, heat and power, pausing, stopping and restarting are the lane's; a task only says what it
needs and what its end means. At most one child trains at any time; a due task displaces one of lower
priority, which is put back.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from adapters.jobs.request import Result
from agent.learning.guard import Fit, Order
from agent.learning.jobs import Job, clear, discard
from agent.learning.task import Task
from core.events import Failed, LearningHeld, LearningPaused
from core.ports import Say

MOST_DEATHS = 3
"""A task is given up after so many workers in a row died."""


class Lane:
    """Runs on the session's thread. `strain` says why learning must wait, given whether it already does."""

    def __init__(
        self, tasks: Sequence[Task], fit: Callable[[Order], Fit], strain: Callable[[bool], str], say: Say
    ) -> None:
        """`tasks`: the most urgent first."""
        self._tasks, self._fit, self._strain, self._say = tasks, fit, strain, say
        self._running: tuple[Task, Job] | None = None
        self._deaths: dict[Task, int] = {}
        self._paused, self._held_reason = False, ""

    @property
    def running(self) -> Task | None:
        """The task whose job runs, or has ended unnoticed."""
        return self._running[0] if self._running else None

    def take_up(self, jobs: Path) -> None:
        """Clear the jobs that a killed session left, but take up one that had ended."""
        for task in self._tasks:
            job = None if self._running else task.left_over()
            if job is not None:
                self._running = (task, job)
        clear(jobs, self._running[1] if self._running else None)

    def look(self) -> bool:
        """Poll the job; whether there is a new adapter."""
        if self._running is None:
            return False
        task, job = self._running
        result = job.poll()
        task.look(job)
        if result is None:
            return False
        self._running = None
        deaths = self._deaths[task] = self._deaths.get(task, 0) + 1 if job.died else 0
        if 0 < deaths < MOST_DEATHS:
            self._put_back(task, job, result.reason)
            return False
        self._deaths[task] = 0
        return self._end(task, job, result)

    def go_on(self, begin: bool = True) -> bool:
        """Check heat and power, and `begin` the most urgent due task unless learning is held back; whether a
        stopped job left an adapter.
        """
        new = self._check_strain()
        if self._held_reason or self._paused or not begin:
            return new
        for task in self._tasks:
            if task is self.running:
                break
            if task.due():
                new |= self.stop("Something more urgent came first.")
                if self._begin(task):
                    break
        return new

    def pause(self, paused: bool) -> bool:
        """Let learning wait or go on; whether the stopped job left a new adapter."""
        if paused == self._paused:
            return False
        new = self.stop("Learning was told to wait.") if paused else False
        self._paused = paused
        self._say(LearningPaused, paused=paused)
        return new

    def stop(self, reason: str = "The session ended first.") -> bool:
        """Stop the job and put its task back, or take its verdict; whether that left a new adapter."""
        if self._running is None:
            return False
        task, job = self._running
        if job.concluded():
            return self.look()
        self._running = None
        self._put_back(task, job, reason)
        return False

    def abandon(self) -> None:
        """After a fault such as a full disk: end the job silently. It is due again unless that happened
        too often.
        """
        running, self._running = self._running, None
        if running is not None:
            task, job = running
            job.stop()
            self._discard(task, job)
            deaths = self._deaths[task] = self._deaths.get(task, 0) + 1
            if deaths < MOST_DEATHS:
                task.put_back()

    def wait(self, seconds: float) -> None:
        """Until the job ends, or for so long."""
        if self._running is not None:
            self._running[1].wait(seconds)

    def _begin(self, task: Task) -> bool:
        """Whether the task's job now runs; if not, the reason has been emitted."""
        fit = self._fit(task.order())
        if fit.refused:
            self._say(Failed, what=task.name, error=fit.reason)
            return False
        self._running = (task, task.start(fit.recipe, fit.reason))
        return True

    def _check_strain(self) -> bool:
        """Stop the job where heat or power forbid learning, and say when that changes."""
        reason = self._strain(bool(self._held_reason))
        new = False
        if bool(reason) != bool(self._held_reason):
            if reason:
                new = self.stop(reason)
            self._say(LearningHeld, reason=reason)
        self._held_reason = reason
        return new

    def _put_back(self, task: Task, job: Job, reason: str) -> None:
        task.put_back()
        self._discard(task, job)
        task.interrupted(job, reason)

    def _end(self, task: Task, job: Job, result: Result) -> bool:
        try:
            return task.end(job, result)
        finally:
            self._discard(task, job)

    @staticmethod
    def _discard(task: Task, job: Job) -> None:
        if not task.keeps_job:
            discard(job.folder)
