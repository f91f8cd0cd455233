"""Queues questions from all clients, answers those that wait together, and returns each its own.

One thread owns the model. While it answers a batch the next one gathers, so nobody waits for a batch to
fill: alone, a question goes at once; under load, batches grow by themselves.
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
from models.vlm import is_out_of_memory


def next_batch(waiting: Sequence[int], limit: int) -> int:
    """How many of the first requests go together, given how many questions each holds. First come, first
    served. At least one goes, however large: it was admitted.
    """
    total = 0
    for count, questions in enumerate(waiting):
        total += questions
        if total > limit:
            return max(1, count)
    return len(waiting)


_LOG = logging.getLogger(__name__)
Answers = list[WireAnswer]


class FullError(ExpertError):
    """More questions wait than are allowed."""


class ExhaustedError(ExpertError):
    """Not enough memory, even for one request alone."""


class BatchAnswerer(Protocol):
    """What answers a batch: for each request its answers."""

    def answer(self, requests: Sequence[QuestionBatch]) -> list[Answers]: ...


@dataclass
class _Waiting:
    request: QuestionBatch
    future: "Future[Answers]" = field(default_factory=Future)


class Desk:
    """A context manager that occupies its thread; requests that still wait at its end are cancelled."""

    def __init__(
        self,
        panel: BatchAnswerer,
        thread: Executor,
        most: int,
        queue: int,
        on_batch: Callable[[int], None] = lambda questions: None,
    ) -> None:
        """`thread` is best the one that the model was loaded on; it is busy until the context ends. At most
        `most` questions go into a batch and `queue` may wait; `on_batch` gets each batch's size.
        """
        self._panel, self._thread, self._most, self._queue = panel, thread, most, queue
        self._on_batch = on_batch
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
        for waiting in self._waiting:
            waiting.future.cancel()

    @property
    def waiting(self) -> int:
        """The number of questions that wait."""
        with self._changed:
            return self._count()

    def put(self, request: QuestionBatch) -> "Future[Answers]":
        """Queue a request. Cancelling the future before its turn removes it. Raises FullError."""
        waiting = _Waiting(request)
        with self._changed:
            if not self._open:
                raise FullError("The server is being stopped. Try again later.")
            if self._count() + len(request.questions) > self._queue:
                raise FullError(f"{self._queue} questions wait already. Try again in a moment.")
            self._waiting.append(waiting)
            self._changed.notify_all()
        return waiting.future

    def _count(self) -> int:
        return sum(
            len(waiting.request.questions) for waiting in self._waiting if not waiting.future.cancelled()
        )

    def _serve(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or not self._open)
                if not self._open:
                    return
                batch = self._take_batch()
            if batch:
                self._answer(batch)

    def _take_batch(self) -> list[_Waiting]:
        """The next batch, without those whose client has left."""
        present = [waiting for waiting in self._waiting if not waiting.future.cancelled()]
        count = next_batch([len(waiting.request.questions) for waiting in present], self._most)
        self._waiting = deque(present[count:])
        return [waiting for waiting in present[:count] if waiting.future.set_running_or_notify_cancel()]

    def _answer(self, batch: list[_Waiting]) -> None:
        """Answer together; if that fails, each half by itself, so that one request's fault stays its own."""
        try:
            answers = self._panel.answer([waiting.request for waiting in batch])
        except Exception as error:  # noqa: BLE001  # whatever a model raises, the server goes on
            if len(batch) > 1:
                middle = len(batch) // 2
                self._answer(batch[:middle])
                self._answer(batch[middle:])
            else:
                _fail(batch[0].future, error)
            return
        self._on_batch(sum(len(waiting.request.questions) for waiting in batch))
        for waiting, answer in zip(batch, answers, strict=True):
            waiting.future.set_result(answer)


def _fail(future: "Future[Answers]", error: Exception) -> None:
    if is_out_of_memory(error):
        error = ExhaustedError("The expert ran out of memory. Send a smaller frame or fewer questions.")
    elif not isinstance(error, RoomwiseError):
        _LOG.error("A question could not be answered", exc_info=error)
    with contextlib.suppress(RuntimeError):
        future.set_exception(error)
