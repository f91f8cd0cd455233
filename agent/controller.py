"""A session from its first question to its end: turns, and what happens between them.

Everything runs on the thread that calls, one call at a time; a training child works beside it. Whatever
fails between turns is an event, and the student goes on as it is.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.request import Request, Result
from adapters.store import AdapterStore
from agent.jobs import Job, Starter, clear, ended
from agent.past import Past
from agent.record import Recorder
from agent.scheduler import Standing, due
from agent.turn import Emit, Inquiry, Mind, take_turn
from core.errors import RoomwiseError
from core.events import (
    Activated,
    AdaptationEnded,
    AdaptationProgressed,
    AdaptationStarted,
    Answered,
    Asked,
    Event,
    Failed,
    SessionEnded,
)
from core.text import check_question
from models.lora import AdapterSlot, base_of, read_adapter

_TRIES = 3
"""Workers that may die without a word, one after the other, before an adaptation is given up."""


@dataclass(frozen=True)
class Adapting:
    """What adapting needs: where adapters and jobs are kept, who makes a request of what memory holds."""

    store: AdapterStore
    jobs: Path
    request: Callable[[Mind, AdapterStore], Request]
    start: Starter


class Controller:
    """One session in one room. Events go to the recording first, then to `watch`."""

    def __init__(
        self, mind: Mind, adapting: Adapting, recorder: Recorder, warm_up: int, watch: Emit, past: Past
    ) -> None:
        self._mind, self._adapting, self._recorder = mind, adapting, recorder
        self._warm_up, self._watch = warm_up, watch
        self._slot = AdapterSlot(mind.student)
        self._base = base_of(mind.student.name)
        self._job: Job | None = None
        self._job_began = 0.0
        self._tries = 0
        self._pairs_then = self._pairs_before = past.pairs_then
        self._turn = past.turn
        self._open = past.open_job

    def begin(self, event: Event) -> None:
        """Say that the session begins or goes on; let the room's adapter answer.

        For the only process that uses the folders of adapters and jobs: what a killed one left is thrown
        away, except a job that had ended, which is looked at with the next `between_turns`.
        """
        self.emit(event)
        self._adapting.store.sweep()
        clear(self._adapting.jobs)
        for problem in self._adapting.store.problems(self._mind.room):
            self._say(Failed, what="adapter", error=problem)
        self._activate()
        if self._open is not None:
            self._job = ended(self._adapting.jobs / self._open.job)
            self._job_began = time.monotonic()
            self._pairs_then = self._open.pairs if self._job else self._pairs_before

    def emit(self, event: Event) -> None:
        """Keep an event, then show it."""
        self._recorder.append(event)
        self._watch(event)

    def ask(self, question: str, frame: bytes, frame_age_ms: float = 0.0) -> Answered:
        """Answer one question about a JPEG frame. Raises QuestionError and ImageError, with nothing done."""
        inquiry = Inquiry(self._turn + 1, check_question(question), frame, frame_age_ms)
        answered = take_turn(self._mind, inquiry, self._warm_up, self._keeping(inquiry))
        self._turn = inquiry.turn
        return answered

    def between_turns(self) -> None:
        """Look after the training child: its progress, its end, a swap, the next job."""
        try:
            self._look()
            if due(self._standing(), self._least, self._mind.config.adaptation.again_after):
                self._start()
        except RoomwiseError as error:
            job, self._job = self._job, None
            if job is not None:  # nobody would look after it
                job.stop()
            self._say(Failed, what="adaptation", error=str(error))

    def settle(self) -> None:
        """Wait for the training child, if one runs, and put its adapter in."""
        while self._job is not None:
            self._job.wait(0.2)
            self.between_turns()

    def close(self) -> None:
        """End the session; a child that runs is stopped and leaves nothing behind."""
        try:
            self._stop()
            self._say(SessionEnded, turns=self._turn)
        finally:
            self._recorder.close()

    def _keeping(self, inquiry: Inquiry) -> Emit:
        """Sees to it that the frame is on the disk before the event that names it."""

        def emit(event: Event) -> None:
            if isinstance(event, Asked):
                self._recorder.keep(inquiry.frame, ".jpg")
            self.emit(event)

        return emit

    @property
    def _least(self) -> int:
        return self._mind.config.adaptation.least_pairs

    def _standing(self) -> Standing:
        pairs = len(self._mind.memory.pairs(self._mind.room))
        return Standing(self._turn, self._warm_up, pairs, self._pairs_then, self._job is not None)

    def _start(self) -> None:
        request = self._adapting.request(self._mind, self._adapting.store)
        # Counted first: a request that cannot be started is not tried again at every turn.
        self._pairs_before = self._pairs_then
        self._pairs_then = len(request.train) + len(request.hold_out)
        self._job = self._adapting.start(self._adapting.jobs, request)
        self._job_began = time.monotonic()
        self._say(AdaptationStarted, job=self._job.name, pairs=self._pairs_then)

    def _look(self) -> None:
        job = self._job
        if job is None:
            return
        result = job.poll()
        for step, steps, loss in job.progress():
            self._say(AdaptationProgressed, job=job.name, step=step, steps=steps, loss=loss)
        if result is not None:
            self._job = None
            if job.died and self._tries < _TRIES - 1:
                self._tries += 1
                self._interrupted(job, result.reason)
            else:
                self._tries = 0
                self._end(job, result)

    def _stop(self) -> None:
        job = self._job
        if job is None:
            return
        try:
            job.stop()
            result = job.poll()
            if result is None or job.died or result.outcome == "cancelled":
                self._interrupted(job, "The session ended first.")
            else:
                self._look()
        except RoomwiseError as error:
            self._say(Failed, what="adaptation", error=str(error))

    def _interrupted(self, job: Job, reason: str) -> None:
        """It has come to no verdict, and is due as it was before."""
        self._job = None
        self._pairs_then = self._pairs_before
        self._say(
            AdaptationEnded, job=job.name, promoted=False, reason=reason,
            seconds=time.monotonic() - self._job_began, again=True,
        )  # fmt: skip

    def _end(self, job: Job, result: Result) -> None:
        promoted = result.outcome == "promote"
        adapter = ""
        if promoted:
            version = self._adapting.store.adopt(self._mind.room, job.folder)
            adapter = _label(version.number)
        self._say(
            AdaptationEnded, job=job.name, promoted=promoted, reason=result.reason,
            seconds=max(result.seconds, time.monotonic() - self._job_began), adapter=adapter,
            scores=_flat(result.scores),
        )  # fmt: skip
        if promoted:
            self._activate()

    def _activate(self) -> None:
        """Let the room's current adapter answer; the untouched student if there is none to use."""
        version = self._adapting.store.current(self._mind.room)
        try:
            self._slot.activate(read_adapter(version.folder, self._base) if version else None)
        except RoomwiseError as error:
            self._slot.deactivate()
            self._say(Failed, what="adapter", error=str(error))
            version = None
        label = _label(version.number) if version else ""
        if label != self._mind.adapter:
            self._mind.adapter = label
            self._say(Activated, adapter=label)

    def _say(self, kind: Any, **values: Any) -> None:
        self.emit(kind(at=time.time(), **values))


def _label(number: int) -> str:
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
