"""Adapting when somebody asks for it: what memory holds of a room, or of all, one job, the gate's verdict."""

import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from adapters.jobs.request import JobLimits, Request, Result
from adapters.jobs.store import AdapterStore, display_name
from agent.learning.home import home_limits, home_request
from agent.learning.jobs import Job, Starter, clear, start
from agent.learning.requests import room_request
from agent.learning.rooms import learn_rooms
from agent.learning.scheduler import LEAST_ROOMS
from core.config import Config
from core.errors import InputError, ModelError
from core.lock import lock_folder
from core.text import did_you_mean
from memory.store import Memory
from models.registry import model_folder

_LOOK = 0.2  # seconds between two looks at the worker
_NOTHING = (
    "Nothing is remembered in {}, so there is nothing to learn. "
    "Bring pairs with: roomwise memory import FOLDER, or name a replay's folder with --folder."
)


class Bar(Protocol):
    """Shows how far the job is."""

    def start(self, pairs: int) -> None:
        """It has begun."""

    def step(self, step: int, steps: int, loss: float) -> None:
        """One step more."""

    def stop(self) -> None:
        """It is over."""


@dataclass(frozen=True)
class Adapted:
    """What became of it: `adapter` is the new version's number, None when the candidate was rejected."""

    room: str
    pairs: int
    held_out: int
    adapter: int | None
    reason: str
    seconds: float
    steps: int
    scores: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "promoted": self.adapter is not None}


def adapt(
    folder: Path, room: str | None, seed: int, config: Config, bar: Bar, begin: Starter = start
) -> Adapted:
    """Train a candidate from the memory in `folder` and let it answer if the gate agrees.

    Without a `room` the only one there is. Raises InputError for a room that is not known or has too few
    pairs, ModelError when the job fails, StorageError. Interrupted, it leaves what answered before.
    """
    student = config.student.model
    model_folder(student)
    limits = JobLimits(seconds=config.adaptation.seconds)
    with Memory.open(folder / "memory", read_only=True) as memory:
        chosen = _room(memory.rooms(), room, config.adaptation.least_pairs, folder)
        return _adapted(
            folder,
            lambda store: replace(
                room_request(memory, chosen, student, store, limits, seed),
                keep_tokens=config.student.keep_tokens,
            ),
            bar,
            begin,
        )


def adapt_home(folder: Path, seed: int, config: Config, bar: Bar, begin: Starter = start) -> Adapted:
    """The same for home, from all rooms: what a new one begins with; and what their pairs say to a question.

    Raises InputError when there are fewer than three, and otherwise what `adapt` does.
    """
    student = config.student.model
    model_folder(student)
    with Memory.open(folder / "memory", read_only=True) as memory:
        rooms = memory.rooms()
        if not rooms:
            raise InputError(_NOTHING.format(folder / "memory"))
        if len(rooms) < LEAST_ROOMS:
            raise InputError(
                f"Home is learnt from some rooms and judged by others: {LEAST_ROOMS} are needed, "
                f"memory has {len(rooms)}. Visit more, or adapt to one: roomwise adapt --room {min(rooms)}"
            )
        done = _adapted(
            folder,
            lambda store: replace(
                home_request(memory, student, home_limits(config), seed),
                keep_tokens=config.student.keep_tokens,
            ),
            bar,
            begin,
        )
    learn_rooms(folder / "memory", student, seed)
    AdapterStore(folder / "adapters").consider(len(rooms), sum(rooms.values()))
    return done


def _adapted(
    folder: Path, request_of: Callable[[AdapterStore], Request], bar: Bar, begin: Starter
) -> Adapted:
    store, jobs = AdapterStore(folder / "adapters"), folder / "jobs"
    with ExitStack() as held:
        held.callback(lock_folder(folder).release)  # a replay that uses it would lose its job
        request = request_of(store)
        clear(jobs)
        began = time.monotonic()
        job = begin(jobs, request)
        result = _watched(job, request, bar)
        return _ended(store, request, job, result, time.monotonic() - began)


def _room(rooms: Mapping[str, int], wanted: str | None, least: int, folder: Path) -> str:
    """The room that is meant, if it has enough pairs."""
    if not rooms:
        raise InputError(_NOTHING.format(folder / "memory"))
    told = ", ".join(f"{name} ({count} pairs)" for name, count in sorted(rooms.items()))
    if wanted is None and len(rooms) > 1:
        raise InputError(f"Memory has several rooms: {told}. Choose one with --room.")
    room = next(iter(rooms)) if wanted is None else wanted
    if room not in rooms:
        raise InputError(f"Nothing is remembered of {room!r}. {did_you_mean(room, rooms)} There is: {told}.")
    if rooms[room] < least:
        raise InputError(
            f"{room} has {rooms[room]} pairs, {least} are needed. "
            "Ask the expert more, or lower adaptation.least_pairs."
        )
    return room


def _watched(job: Job, request: Request, bar: Bar) -> Result:
    """Wait for the worker; whatever interrupts this stops it too."""
    bar.start(_pairs(request))
    try:
        result = None
        while result is None:
            result = job.wait(_LOOK)
            _tell(job.progress, bar)
        return result
    finally:
        bar.stop()
        job.stop()


def _tell(progress: Callable[[], Any], bar: Bar) -> None:
    for step, steps, loss in progress():
        bar.step(step, steps, loss)


def _ended(store: AdapterStore, request: Request, job: Job, result: Result, seconds: float) -> Adapted:
    if result.outcome not in ("promote", "reject"):
        raise ModelError(f"The adaptation failed. {result.reason} What the worker said is in {job.folder}.")
    adapter = store.adopt(request.room, job.folder).number if result.outcome == "promote" else None
    shutil.rmtree(job.folder, ignore_errors=True)
    return Adapted(
        display_name(request.room, store.rooms()), _pairs(request), len(request.hold_out), adapter,
        result.reason, round(seconds, 3), result.steps, result.scores,
    )  # fmt: skip


def _pairs(request: Request) -> int:
    return len(request.train) + len(request.hold_out) + len(request.extra)
