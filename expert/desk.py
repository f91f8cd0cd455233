"""Takes questions from all clients, answers as many together as wait, and hands each its own back.

One thread owns the model and is lent to the desk. While it answers one batch the next one gathers, so nobody
waits for a batch to fill: alone, a question goes at once; under load, batches grow by themselves.
"""

import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Protocol

from core.errors import ExpertError, RoomwiseError
from expert.asking import QuestionBatch
from models.remote.wire import WireAnswer


def next_batch(waiting: Sequence[int], most: int) -> int:
    """How many of the requests at the front of the queue go together, given how many questions each holds.

    First come, first served. At least one goes, however large: it was let in.
    """
    total = 0
    for count, questions in enumerate(waiting):
        total += questions
        if total > most:
            return max(1, count)
    return len(waiting)


_LOG = logging.getLogger(__name__)
Answers = list[WireAnswer]


class FullError(ExpertError):
    """More questions wait than may."""


class ExhaustedError(ExpertError):
    """There was not enough memory, not even for one request alone."""


class BatchAnswerer(Protocol):
    """What answers a batch."""

    def answer(self, requests: Sequence[QuestionBatch]) -> list[Answers]:
        """For each request its answers."""
        ...


@dataclass
class _Waiting:
    request: QuestionBatch
    future: "Future[Answers]" = field(default_factory=Future)


class Desk:
    """Use it as a context: its thread is free again after it, and who still waits then is told so."""

    def __init__(
        self,
        panel: BatchAnswerer,
        thread: Executor,
        most: int,
        queue: int,
        on_batch: Callable[[int], None] = lambda questions: None,
    ) -> None:
        """`thread` is one, and busy until the context ends: best the one that the model was loaded on. `most`
        questions go into a batch, `queue` may wait; `on_batch` hears how many went together.
        """
        self._panel, self._thread, self._most, self._queue, self._on_batch = (
            panel,
            thread,
            most,
            queue,
            on_batch,
        )
        self._waiting: deque[_Waiting] = deque()
        self._changed = threading.Condition()
        self._open = False
        self._served: Future[None] | None = None

    def __enter__(self) -> "Desk":
        self._open = True
        self._served = self._thread.submit(self._serve)
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._open = False
            self._changed.notify_all()
        if self._served is not None:
            self._served.result()
        for one in self._waiting:
            one.future.cancel()

    @property
    def waiting(self) -> int:
        """Questions that wait."""
        with self._changed:
            return self._count()

    def put(self, request: QuestionBatch) -> "Future[Answers]":
        """Queue a request. Cancelling the future before its turn takes it out. Raises FullError."""
        one = _Waiting(request)
        with self._changed:
            if not self._open:
                raise FullError("The server is being stopped. Try again later.")
            if self._count() + len(request.questions) > self._queue:
                raise FullError(f"{self._queue} questions wait already. Try again in a moment.")
            self._waiting.append(one)
            self._changed.notify_all()
        return one.future

    def _count(self) -> int:
        return sum(len(one.request.questions) for one in self._waiting if not one.future.cancelled())

    def _serve(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or not self._open)
                if not self._open:
                    return
                batch = self._taken()
            if batch:
                self._answer(batch)

    def _taken(self) -> list[_Waiting]:
        """The next batch, without those whose client has left."""
        held = [one for one in self._waiting if not one.future.cancelled()]
        count = next_batch([len(one.request.questions) for one in held], self._most)
        self._waiting = deque(held[count:])
        return [one for one in held[:count] if one.future.set_running_or_notify_cancel()]

    def _answer(self, batch: list[_Waiting]) -> None:
        """Answer together; where that fails each half by itself: one request's fault stays its own."""
        try:
            answers = self._panel.answer([one.request for one in batch])
        except Exception as error:  # noqa: BLE001  # whatever a model raises, the server goes on
            if len(batch) > 1:
                middle = len(batch) // 2
                self._answer(batch[:middle])
                self._answer(batch[middle:])
            else:
                _fail(batch[0].future, error)
            return
        self._on_batch(sum(len(one.request.questions) for one in batch))
        for one, said in zip(batch, answers, strict=True):
            one.future.set_result(said)


def _fail(future: "Future[Answers]", error: Exception) -> None:
    if _out_of_memory(error):
        error = ExhaustedError("The expert ran out of memory. Send a smaller frame or fewer questions.")
    elif not isinstance(error, RoomwiseError):
        _LOG.error("A question could not be answered", exc_info=error)
    with contextlib.suppress(RuntimeError):
        future.set_exception(error)


def _out_of_memory(error: Exception) -> bool:
    """torch says so on a GPU by a type of its own, on a CPU in words."""
    named = type(error).__name__ == "OutOfMemoryError" or isinstance(error, MemoryError)
    return named or (isinstance(error, RuntimeError) and "allocate memory" in str(error))
