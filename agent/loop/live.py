"""A live session: requests come from any thread and are fulfilled on the session's own.

| runs on | owns | talks by |
|---|---|---|
| the caller: a screen, a microphone, a socket | nothing of this | verbs that return a future at once |
| the session's thread | student, expert, memory, swapping | one request after another; events out |
| the training child, at most one | its own copy of the student, its job | files |
"""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, TypeVar

from agent.loop.controller import Controller
from agent.turns.student import Draft, no_draft
from core.errors import InputError
from core.events import Answered, Source
from core.types import Frame

_Result = TypeVar("_Result")
_IDLE = 0.2
"""Seconds between two rounds of what goes on between turns."""
_QUEUE = 8
"""Requests that may wait; further ones are refused."""


@dataclass
class _Request:
    do: Callable[[Controller], Any]
    future: "Future[Any]"


class SessionThread:
    """One session on its own thread. Construct it, `start` it, `stop` it."""

    def __init__(self, opening: Callable[[], AbstractContextManager[Controller]]) -> None:
        """`opening` loads models and opens the session, on the session's thread."""
        self._opening = opening
        self._requests: queue.Queue[_Request | None] = queue.Queue(_QUEUE)
        self._opened: Future[None] = Future()
        self.ended: Future[None] = Future()
        """Done when the session has ended, with the fault that ended it, if any."""
        self._thread = threading.Thread(target=self._serve, name="session", daemon=True)

    def start(self) -> "Future[None]":
        """Begin to open the session. The future ends when questions can be asked, or with the error."""
        self._thread.start()
        return self._opened

    def stop(self) -> None:
        """End the session: the current question is answered, waiting ones are not."""
        self._drain()
        self._requests.put(None)
        self._thread.join()

    def ask(
        self, question: str, frame: Frame, frame_age_ms: float, wished: Source | None = None,
        draft: Draft = no_draft,
    ) -> "Future[Answered]":  # fmt: skip
        """Answer a question about a frame. The future may fail with QuestionError or ImageError."""
        return self.do(lambda session: session.ask(question, frame, frame_age_ms, wished, draft))

    def do(self, request: Callable[[Controller], _Result]) -> "Future[_Result]":
        """Run a request on the session's thread. Never blocks."""
        future: Future[_Result] = Future()
        try:
            self._requests.put_nowait(_Request(request, future))
        except queue.Full:
            future.set_exception(InputError("Too much is asked at once. Wait for the answers."))
        return future

    def _serve(self) -> None:
        try:
            with self._opening() as session:
                self._opened.set_result(None)
                while self._serve_one(session):
                    session.between_turns(lambda: not self._requests.empty())
        except Exception as error:  # noqa: BLE001  # nobody else would hear of it
            (self.ended if self._opened.done() else self._opened).set_exception(error)
        finally:
            self._drain()
            if not self.ended.done():
                self.ended.set_result(None)

    def _serve_one(self, session: Controller) -> bool:
        """Fulfil the next request, if one comes in time; False when the session is to end."""
        try:
            request = self._requests.get(timeout=_IDLE)
        except queue.Empty:
            return True
        if request is None:
            return False
        if request.future.set_running_or_notify_cancel():
            _fulfil(request, session)
        return True

    def _drain(self) -> None:
        while True:
            try:
                request = self._requests.get_nowait()
            except queue.Empty:
                return
            if request is not None:
                request.future.cancel()


def _fulfil(request: _Request, session: Controller) -> None:
    """Errors go to the future; the session goes on."""
    try:
        request.future.set_result(request.do(session))
    except Exception as error:  # noqa: BLE001  # a fault in one answer ends no session
        request.future.set_exception(error)
