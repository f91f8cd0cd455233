"""Tasks for the learning lane: what each needs, how it starts, what its end means."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from adapters.jobs.request import Recipe, Request, Result
from adapters.jobs.store import AdapterStore
from agent.learning.guard import Fit, Machine, Order, RoomCounts, home_due
from agent.learning.jobs import Job, Starter
from agent.turns.answerers import Answerers


@dataclass(frozen=True)
class LearningSettings:
    """Where adapters and jobs are kept, and who makes requests. `request` makes one from a room's pairs,
    `home` from all others'; None leaves home alone, as does `rooms_seed` the votes of other rooms. `fit`
    makes an order fit the free memory; `machine` reads heat and power. `encoders` is the state folder whose
    scene encoders adapt to the session's camera.
    """

    store: AdapterStore
    jobs: Path
    request: Callable[[Answerers, str, AdapterStore], Request]
    start: Starter
    home: Callable[[Answerers, str, AdapterStore], Request] | None = None
    rooms_seed: int | None = None
    fit: Callable[[Order], Fit] = lambda order: Fit(order.recipe)
    machine: Callable[[], Machine] = field(default=Machine)
    encoders: Path | None = None


class Task(ABC):
    """One kind of learning. Only the lane calls it, and runs at most one job of it at a time."""

    name: ClassVar[str]
    """Its name in events of a failure."""
    keeps_job: ClassVar[bool] = False
    """Whether the job's folder outlives the job, so that the next session can take it up."""

    @abstractmethod
    def due(self) -> bool:
        """Whether it is time to begin."""

    @abstractmethod
    def order(self) -> Order:
        """What the job needs; the task is not due from now on. Raises UnknownModelError, WeightsError."""

    @abstractmethod
    def start(self, recipe: Recipe | None, note: str) -> Job:
        """Start the last order's job with the fitted recipe; `note` says what was changed. Raises
        StorageError.
        """

    @abstractmethod
    def end(self, job: Job, result: Result) -> bool:
        """Take up the result and emit it; whether there is a new adapter for the student."""

    @abstractmethod
    def put_back(self) -> None:
        """The job came to no verdict: be due again."""

    def look(self, job: Job) -> None:  # noqa: B027  # most have no progress to emit
        """Emit the job's progress."""

    def interrupted(self, job: Job, reason: str) -> None:  # noqa: B027  # most have emitted no beginning
        """Emit that the job came to no verdict, where its beginning was emitted."""

    def left_over(self) -> Job | None:
        """A killed session's job, if it had ended unnoticed."""
        return None


class JudgedTask(Task):
    """A task that is judged once: a session adds nothing to the other rooms."""

    def __init__(self, wanted: bool) -> None:
        self._judged = not wanted
        self._counts = RoomCounts(0, 0)
        self._began = 0.0

    @abstractmethod
    def count(self) -> RoomCounts:
        """Rooms and pairs now, and when the task last learnt from them."""

    def due(self) -> bool:
        if self._judged:
            return False
        self._counts = self.count()
        self._judged = not home_due(self._counts)
        return not self._judged

    def put_back(self) -> None:
        self._judged = False


def label(number: int) -> str:
    """A version's number in events."""
    return f"{number:04}"


def home_label(number: int) -> str:
    """A version of home in events."""
    return f"home {label(number)}"
