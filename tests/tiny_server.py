"""An expert's server without a large model: what answers is handed in, or the smallest there is."""

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, cast

from fastapi import FastAPI

from core.types import Answer, ExpertReply
from expert.app import ServerContext, application
from expert.asking import QuestionBatch, RequestLimits
from expert.desk import Answers, Desk
from expert.door import AccessRules, Rate
from expert.metrics import ServerMetrics
from expert.serve import ServerOptions, server_of
from expert.served import Served
from models.remote.wire import WireAnswer

TOKEN = "a secret of 32 characters or more"


def said(text: str) -> WireAnswer:
    """An answer without a signal."""
    return WireAnswer(ExpertReply(Answer(text, (1, 2), (-0.1, -0.2), 0.8)))


class Echo:
    """Answers every question with itself; `wait` is called with each batch before."""

    def __init__(self, wait: Callable[[Sequence[QuestionBatch]], None] = lambda batch: None) -> None:
        self.wait = wait
        self.batches: list[int] = []

    def answer(self, requests: Sequence[QuestionBatch]) -> list[Answers]:
        """One word of each question."""
        self.batches.append(len(requests))
        self.wait(requests)
        for request in requests:
            if request.hear is not None:
                request.hear(request.questions[0])
        return [[said(question) for question in request.questions] for request in requests]


class _Letters:
    """A tokenizer that spells every token alike."""

    def decode(self, ids: list[int], **_: object) -> str:
        """A letter a token."""
        return "x" * len(ids)


@contextmanager
def small_application(
    answering: Any,
    token: str = "",
    rate: float = 0.0,
    queue: int = 64,
    limits: RequestLimits | None = None,
    hosts: frozenset[str] = frozenset(),
    **served: Any,
) -> Iterator[FastAPI]:
    """The application around something that answers."""
    meters, bounds = ServerMetrics(), limits or RequestLimits()
    with ThreadPoolExecutor(1) as thread, Desk(answering, thread, 16, queue, meters.batch) as desk:
        about = Served("tiny", cast(Any, _Letters()), 1, **served)
        office = ServerContext(desk, about, bounds, meters)
        yield application(office, AccessRules(token, Rate(rate, max(1, int(rate))), bounds.body_bytes, hosts))


@contextmanager
def running(app: FastAPI, port: int = 0) -> Iterator[str]:
    """The application on a port of this machine; its address."""
    server = server_of(app, ServerOptions("tiny", port=port))
    server.config.timeout_graceful_shutdown = 1
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)
