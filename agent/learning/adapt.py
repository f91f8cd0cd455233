"""Adapting on demand: the pairs of a room or of all rooms, one job, the gate's verdict."""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from adapters.jobs.request import JobLimits, Request, Result
from adapters.jobs.store import AdapterStore, display_name
from agent.learning.guard import LEAST_ROOMS
from agent.learning.home import home_limits, home_request
from agent.learning.jobs import Job, Starter, clear, discard, start
from agent.learning.room import room_request
from agent.learning.rooms import learn_rooms
from agent.learning.training import TrainingBar
from core.config import Config
from core.errors import InputError, ModelError
from core.lock import lock_folder
from core.text import did_you_mean
from memory.store import Memory
from models.registry import model_folder

_POLL = 0.2  # seconds between two polls of the worker
_NOTHING = (
    "Nothing is remembered in {}, so there is nothing to learn. "
    "Bring pairs with: roomwise memory import FOLDER, or name a replay's folder with --folder."
)


@dataclass(frozen=True)
class Adapted:
    """What became of a job: `adapter` is the new version's number, None when the candidate was rejected."""

    room: str
    pairs: int
    held_out: int
    adapter: int | None
    reason: str
    seconds: float
    steps: int
    scores: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "promoted": self.adapter is not None}


def adapt(
    folder: Path, room: str | None, seed: int, config: Config, bar: TrainingBar, begin: Starter = start
) -> Adapted:
    """Train a candidate from the memory in `folder`; it answers from then on if the gate agrees. Without a
    `room` the only one there is. Raises InputError for an unknown room or too few pairs, ModelError when the
    job fails, StorageError. An interrupted job changes nothing.
    """
    student = config.student.model
    model_folder(student)
    limits = JobLimits(seconds=config.adaptation.seconds)
    with Memory.open(folder / "memory", read_only=True) as memory:
        name = _choose_room(memory.rooms(), room, config.adaptation.least_pairs, folder)
        return _run_job(
            folder,
            lambda store: replace(
                room_request(memory, name, student, store, limits, seed),
                keep_tokens=config.student.keep_tokens,
                vision_tokens=config.student.vision_tokens,
            ),
            bar,
            begin,
        )


def adapt_home(folder: Path, seed: int, config: Config, bar: TrainingBar, begin: Starter = start) -> Adapted:
    """The same for home, from all rooms, and learn what their pairs say to a question. Raises InputError for
    fewer than three rooms, and otherwise what `adapt` does.
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
        adapted = _run_job(
            folder,
            lambda store: replace(
                home_request(memory, student, home_limits(config), seed),
                keep_tokens=config.student.keep_tokens,
                vision_tokens=config.student.vision_tokens,
            ),
            bar,
            begin,
        )
    learn_rooms(folder / "memory", student, seed)
    AdapterStore(folder / "adapters").consider(len(rooms), sum(rooms.values()))
    return adapted


def _run_job(
    folder: Path, request_of: Callable[[AdapterStore], Request], bar: TrainingBar, begin: Starter
) -> Adapted:
    store, jobs = AdapterStore(folder / "adapters"), folder / "jobs"
    with ExitStack() as stack:
        stack.callback(lock_folder(folder).release)  # a replay that uses it would lose its job
        request = request_of(store)
        clear(jobs)
        began = time.monotonic()
        job = begin(jobs, request)
        result = _watch(job, request, bar)
        return _conclude(store, request, job, result, time.monotonic() - began)


def _choose_room(rooms: Mapping[str, int], name: str | None, least: int, folder: Path) -> str:
    """The room that is meant, if it has enough pairs."""
    if not rooms:
        raise InputError(_NOTHING.format(folder / "memory"))
    counts = ", ".join(f"{room} ({count} pairs)" for room, count in sorted(rooms.items()))
    if name is None and len(rooms) > 1:
        raise InputError(f"Memory has several rooms: {counts}. Choose one with --room.")
    room = next(iter(rooms)) if name is None else name
    if room not in rooms:
        raise InputError(
            f"Nothing is remembered of {room!r}. {did_you_mean(room, rooms)} There is: {counts}."
        )
    if rooms[room] < least:
        raise InputError(
            f"{room} has {rooms[room]} pairs, {least} are needed. "
            "Ask the expert more, or lower adaptation.least_pairs."
        )
    return room


def _watch(job: Job, request: Request, bar: TrainingBar) -> Result:
    """Wait for the worker; an interruption stops it too."""
    bar.start(_count_pairs(request))
    try:
        result = None
        while result is None:
            result = job.wait(_POLL)
            told, progress = job.plan is not None, list(job.progress())
            if job.plan is not None and not told:
                bar.plan(job.plan[0])
            for step, steps, loss in progress:
                bar.step(step, steps, loss)
        return result
    finally:
        bar.stop()
        job.stop()


def _conclude(store: AdapterStore, request: Request, job: Job, result: Result, seconds: float) -> Adapted:
    if result.outcome not in ("promote", "reject"):
        raise ModelError(f"The adaptation failed. {result.reason} What the worker said is in {job.folder}.")
    adapter = store.adopt(request.room, job.folder).number if result.outcome == "promote" else None
    discard(job.folder)
    return Adapted(
        display_name(request.room, store.rooms()), _count_pairs(request), len(request.hold_out), adapter,
        result.reason, round(seconds, 3), result.steps, result.scores,
    )  # fmt: skip


def _count_pairs(request: Request) -> int:
    return len(request.train) + len(request.hold_out) + len(request.extra)
