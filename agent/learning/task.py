"""What can be learnt beside a session, as tasks for the lane: what each needs, how it starts, what its end
means.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from adapters.jobs.request import Recipe, Request, Result
from adapters.jobs.store import AdapterStore
from agent.learning.guard import Fit, Machine, Order
from agent.learning.jobs import Job, Starter
from agent.turns.answerers import Answerers


@dataclass(frozen=True)
class LearningSettings:
    """What learning needs of its surroundings: where adapters and jobs are kept, and who makes requests.

    `request` makes one from the pairs of a room, `home` from those of all others; None leaves home alone.
    With a `rooms_seed` the votes of other rooms are learnt as well. `fit` makes an order fit the memory there
    is; `machine` reads heat and power. `encoders` is the state folder whose scene encoders adapt to the
    session's camera.
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
    """One kind of learning. The lane alone calls it, and runs at most one job of it at a time."""

    name: ClassVar[str]
    """What events of a failure call it."""
    keeps_job: ClassVar[bool] = False
    """Whether its job's folder outlives the job: only where a killed session may take it up again."""

    @abstractmethod
    def due(self) -> bool:
        """Whether it is time to begin."""

    @abstractmethod
    def order(self) -> Order:
        """What the job needs. From now on the task is not due, whatever becomes of the job."""

    @abstractmethod
    def start(self, recipe: Recipe | None, note: str) -> Job:
        """Begin the job of the last order with its recipe as it fits; `note` says what was changed."""

    @abstractmethod
    def end(self, job: Job, result: Result) -> bool:
        """Take up the result and say so; whether there is a new adapter for the student."""

    @abstractmethod
    def put_back(self) -> None:
        """The job came to no verdict: be due again as before."""

    def look(self, job: Job) -> None:
        """Say how far the job is."""
        return None

    def interrupted(self, job: Job, reason: str) -> None:
        """Say that the job came to no verdict, where people were told that it began."""
        return None

    def left_over(self) -> Job | None:
        """A job of a session that was killed, if it had ended without anybody being told."""
        return None


def label(number: int) -> str:
    """A version's number as events name it."""
    return f"{number:04}"


def home_label(number: int) -> str:
    """A version of home as events name it, told from a room's."""
    return f"home {label(number)}"
