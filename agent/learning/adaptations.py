"""The adaptations of a session, one after the other: when one is due, how far it is, what becomes of it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from adapters.request import Request, Result
from adapters.store import AdapterStore
from agent.learning.guard import Fit, Machine
from agent.learning.jobs import Job, Starter, clear, ended
from agent.learning.scheduler import Standing, due
from agent.recording.past import Past
from agent.turns.turn import Mind
from core.events import AdaptationEnded, AdaptationProgressed, AdaptationStarted, Failed

_TRIES = 3
"""Workers that may die without a word, one after the other, before an adaptation is given up."""


@dataclass(frozen=True)
class Adapting:
    """What adapting needs: where adapters and jobs are kept, who makes a request of what memory holds.

    `home` makes one of what it holds of all other rooms; without it that is left to others. With a
    `rooms_seed` what those rooms' pairs say to a question is learnt as well. `fit` makes a recipe fit the
    memory there is, `machine` reads how hot and how hungry it is. `encoders` is the state folder whose scene
    encoders are adapted to the session's camera.
    """

    store: AdapterStore
    jobs: Path
    request: Callable[[Mind, AdapterStore], Request]
    start: Starter
    home: Callable[[Mind, AdapterStore], Request] | None = None
    rooms_seed: int | None = None
    fit: Callable[[Request], Fit] = lambda request: Fit(request.recipe)
    machine: Callable[[], Machine] = Machine
    encoders: Path | None = None


class Say(Protocol):
    """Makes an event of its kind and values, and emits it."""

    def __call__(self, kind: Any, /, **values: Any) -> None:
        """Emit it."""
        ...


class Adaptations:
    """At most one job at a time. What is said of it is kept before anything else comes of it."""

    def __init__(self, mind: Mind, adapting: Adapting, past: Past, say: Say) -> None:
        self._mind, self._adapting, self._say = mind, adapting, say
        self._open = past.open_job
        self._pairs_then = dict(past.pairs_then)
        """Of how many pairs each room's last job that counts began."""
        self._before: int | None = None
        """The same of the room of the job under way, before that began."""
        self._job: Job | None = None
        self._room = mind.room
        """Whose job it is: one may be elsewhere by the time it ends."""
        self._began = 0.0
        self._tries = 0

    @property
    def running(self) -> bool:
        """Whether there is a job whose end has not been heard."""
        return self._job is not None

    def take_up(self) -> None:
        """Throw away what a killed process left, except a job that had ended: `look` will hear of it.

        For the only process that uses the folders of adapters and jobs.
        """
        self._adapting.store.sweep()
        clear(self._adapting.jobs)
        if self._open is not None:
            self._job = ended(self._adapting.jobs / self._open.job)
            self._began = time.monotonic()
            self._room = self._open.room or self._mind.room
            if self._job:
                self._before = self._pairs_then.get(self._room)
                self._pairs_then[self._room] = self._open.pairs

    def look(self) -> bool:
        """Tell how far the job is and how it ended; whether there is a new adapter."""
        job = self._job
        if job is None:
            return False
        result = job.poll()
        for step, steps, loss in job.progress():
            self._say(AdaptationProgressed, job=job.name, step=step, steps=steps, loss=loss)
        if result is None:
            return False
        self._job = None
        if job.died and self._tries < _TRIES - 1:
            self._tries += 1
            self._interrupted(job, result.reason)
            return False
        self._tries = 0
        return self._end(job, result)

    def start_if_due(self, turn: int, warm_up: int, make_way: Callable[[], None] = lambda: None) -> None:
        """Begin the next job of the room if the time has come; `make_way` is called before. `turn` counts the
        questions asked in this room.
        """
        held = self._mind.memory.pairs(self._mind.room)
        pairs = sum(pair.asker == "person" for pair in held)
        settings = self._mind.config.adaptation
        standing = Standing(turn, warm_up, pairs, self._pairs_then.get(self._mind.room, 0), self.running)
        if due(standing, settings.least_pairs, settings.again_after):
            make_way()
            self._start()

    def wait(self, seconds: float) -> None:
        """Until the worker ends, or for so long."""
        if self._job is not None:
            self._job.wait(seconds)

    def abandon(self) -> None:
        """End the worker and hear no more of it."""
        job, self._job = self._job, None
        if job is not None:
            job.stop()

    def stop(self) -> bool:
        """End the worker; whether it left a new adapter."""
        job = self._job
        if job is None:
            return False
        if job.concluded():
            return self.look()
        self._job = None
        self._interrupted(job, "The session ended first.")
        return False

    def _start(self) -> None:
        request = self._adapting.request(self._mind, self._adapting.store)
        # Counted first: a request that cannot be started is not tried again at every turn.
        self._room = self._mind.room
        self._before = self._pairs_then.get(self._room)
        pairs = self._pairs_then[self._room] = len(request.train) + len(request.hold_out)
        fitting = self._adapting.fit(request)
        if fitting.recipe is None:
            self._say(Failed, what="adaptation", error=fitting.reason)
            return
        self._job = self._adapting.start(self._adapting.jobs, replace(request, recipe=fitting.recipe))
        self._began = time.monotonic()
        self._say(
            AdaptationStarted, job=self._job.name, pairs=pairs, note=fitting.reason, room=self._room
        )  # fmt: skip

    def _interrupted(self, job: Job, reason: str) -> None:
        """It has come to no verdict, and is due as it was before."""
        self._pairs_then.pop(self._room, None)
        if self._before is not None:
            self._pairs_then[self._room] = self._before
        self._say(
            AdaptationEnded, job=job.name, promoted=False, reason=reason, again=True, room=self._room,
            seconds=time.monotonic() - self._began,
        )  # fmt: skip

    def _end(self, job: Job, result: Result) -> bool:
        promoted = result.outcome == "promote"
        version = self._adapting.store.adopt(self._room, job.folder) if promoted else None
        self._say(
            AdaptationEnded, job=job.name, promoted=promoted, reason=result.reason,
            seconds=max(result.seconds, time.monotonic() - self._began),
            adapter=label(version.number) if version else "", scores=_flat(result.scores),
            room=self._room,
        )  # fmt: skip
        return promoted


def label(number: int) -> str:
    """A version's number as events name it."""
    return f"{number:04}"


def _flat(scores: Any) -> dict[str, float]:
    """{"current": {"train": {"exact": 0.5}}} as {"current.train.exact": 0.5}."""
    flat: dict[str, float] = {}
    for name, value in dict(scores).items():
        if isinstance(value, dict):
            flat |= {f"{name}.{inner}": number for inner, number in _flat(value).items()}
        elif isinstance(value, int | float):
            flat[name] = float(value)
    return flat
