"""The room's own adapter, learnt from its pairs: the most urgent task."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from adapters.jobs.request import JobLimits, Recipe, Request, Result, recipe_for
from adapters.jobs.store import HOME, AdapterStore
from agent.learning.guard import Order, Standing, due
from agent.learning.jobs import Job, finished_job
from agent.learning.task import LearningSettings, Task, label
from agent.recording.past import Past
from agent.turns.answerers import Answerers
from core.events import AdaptationEnded, AdaptationPlanned, AdaptationProgressed, AdaptationStarted
from core.files import cache_dir
from core.ports import Say
from core.types import Example, Pair
from memory.sampling import replay, split
from memory.store import Memory
from models.footprint import footprint
from models.lora import base_of
from models.registry import model_folder

_REHEARSED = 16
"""At most so many pairs of other rooms."""


def adaptation_request(answerers: Answerers, room: str, store: AdapterStore, seed: int) -> Request:
    """`room_request` as a session is configured."""
    config = answerers.config
    limits = JobLimits(seconds=config.adaptation.seconds)
    request = room_request(answerers.memory, room, answerers.student.name, store, limits, seed)
    student = config.student
    return replace(request, keep_tokens=student.keep_tokens, vision_tokens=student.vision_tokens)


def room_request(
    memory: Memory, room: str, base: str, store: AdapterStore, limits: JobLimits, seed: int
) -> Request:
    """Learn all pairs of a room, hold some out to judge by, rehearse some of other rooms. It builds on home,
    if there is one, and is compared with it until the room has an adapter. The probe set is the base's own,
    made by the first job. Raises ValueError when the room has no pair, UnknownModelError, WeightsError.
    """
    room_pairs = memory.pairs(room)
    pairs = [pair for pair in room_pairs if pair.asker == "person"]
    extra = [pair for pair in room_pairs if pair.asker == "agent"]
    home = store.current(HOME)
    current = store.current(room) or home
    trained = {id for version in (current, home) if version for id in version.about.get("pairs", ())}
    parts = split(pairs, seed=seed, trained=trained)
    others = [pair for pair in memory.pairs() if pair.room != room]
    return Request(
        room=room,
        base=base,
        train=examples(memory, parts.train),
        hold_out=examples(memory, parts.held_out),
        extra=examples(memory, extra),
        replay=examples(memory, replay(others, _REHEARSED, seed)),
        current=current.folder if current else None,
        probe=probe_folder(base),
        parent=home.folder if home else None,
        seed=seed,
        recipe=recipe_for(len(extra)),
        limits=limits,
    )


def probe_folder(base: str) -> Path:
    """Where the probe set of a base is cached."""
    return cache_dir() / "probes" / base_of(base).digest[:16]


def examples(memory: Memory, pairs: Sequence[Pair]) -> list[Example]:
    return [
        Example(pair.id, pair.question, pair.answer, memory.frame_path(pair), memory.signal_path(pair))
        for pair in pairs
    ]


class RoomTask(Task):
    """A job for the room that is current when it begins; its events are stored before anything else follows.
    A job that had ended when the session was killed is taken up by the next session.
    """

    name, keeps_job = "adaptation", True

    def __init__(
        self,
        answerers: Answerers,
        here: Callable[[], str],
        settings: LearningSettings,
        past: Past,
        warm_up: int,
        asked: Callable[[], int],
        say: Say,
    ) -> None:
        """`here` names the current room, `asked` counts the questions answered there."""
        self._answerers, self._here, self._settings, self._say = answerers, here, settings, say
        self._warm_up, self._asked = warm_up, asked
        self._open = past.open_job
        self._pairs_then = dict(past.pairs_then)
        """The pairs that each room's last completed job began with."""
        self._before: int | None = None
        """The same for the current job's room, before it began."""
        self._request: Request | None = None
        self._room, self._began, self._planned = "", 0.0, False

    def due(self) -> bool:
        room, settings = self._here(), self._answerers.config.adaptation
        pairs = sum(pair.asker == "person" for pair in self._answerers.memory.pairs(room))
        standing = Standing(self._asked(), self._warm_up, pairs, self._pairs_then.get(room, 0))
        return due(standing, settings.least_pairs, settings.again_after)

    def order(self) -> Order:
        self._room = self._here()
        request = self._settings.request(self._answerers, self._room, self._settings.store)
        self._request, self._before = request, self._pairs_then.get(self._room)
        self._pairs_then[self._room] = len(request.train) + len(request.hold_out)
        return Order(footprint(model_folder(request.base), request.vision_tokens), request.recipe)

    def start(self, recipe: Recipe | None, note: str) -> Job:
        request = self._request
        if request is None or recipe is None:
            raise ValueError("nothing was ordered")
        job = self._settings.start(self._settings.jobs, replace(request, recipe=recipe))
        self._began, self._planned = time.monotonic(), False
        pairs = self._pairs_then[self._room]
        self._say(AdaptationStarted, job=job.name, pairs=pairs, note=note, room=self._room)
        return job

    def look(self, job: Job) -> None:
        steps = list(job.progress())
        if job.plan is not None and not self._planned:
            self._planned = True
            self._say(AdaptationPlanned, job=job.name, text=job.plan[0], seconds=job.plan[1])
        for step, of, loss in steps:
            self._say(AdaptationProgressed, job=job.name, step=step, steps=of, loss=loss)

    def end(self, job: Job, result: Result) -> bool:
        """Adopt a promoted candidate as the room's adapter."""
        promoted = result.outcome == "promote"
        version = self._settings.store.adopt(self._room, job.folder) if promoted else None
        self._say(
            AdaptationEnded, job=job.name, promoted=promoted, reason=result.reason,
            seconds=max(result.seconds, time.monotonic() - self._began),
            adapter=label(version.number) if version else "", scores=dict(flat_numbers(result.scores)),
            room=self._room,
        )  # fmt: skip
        return promoted

    def put_back(self) -> None:
        self._pairs_then.pop(self._room, None)
        if self._before is not None:
            self._pairs_then[self._room] = self._before

    def interrupted(self, job: Job, reason: str) -> None:
        self._say(
            AdaptationEnded, job=job.name, promoted=False, reason=reason, again=True, room=self._room,
            seconds=time.monotonic() - self._began,
        )  # fmt: skip

    def left_over(self) -> Job | None:
        """The job that the session's events leave open, if its folder holds a result."""
        opened, self._open = self._open, None
        job = finished_job(self._settings.jobs / opened.job) if opened else None
        if opened is not None and job is not None:
            self._room, self._began = opened.room or self._here(), time.monotonic()
            self._before = self._pairs_then.get(self._room)
            self._pairs_then[self._room] = opened.pairs
        return job


def flat_numbers(values: Any, prefix: str = "") -> Iterator[tuple[str, float]]:
    """{"current": {"train": {"exact": 0.5}}} as ("current.train.exact", 0.5); numbers alone."""
    if isinstance(values, Mapping):
        for name, value in values.items():
            yield from flat_numbers(value, f"{prefix}.{name}" if prefix else str(name))
    elif isinstance(values, int | float) and not isinstance(values, bool):
        yield prefix, float(values)
