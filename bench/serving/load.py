"""Clients that ask at the same time, each one question after another, and what every request took."""

import json
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx

from core.errors import ExpertError

_PATIENCE = 120.0


@dataclass(frozen=True)
class Question:
    """A frame's JPEG bytes and a question about it."""

    frame: bytes
    text: str


@dataclass(frozen=True)
class Round:
    """Seconds of each request, of all together, and the bodies of the last answers."""

    times: tuple[float, ...]
    seconds: float
    bodies: tuple[bytes, ...]

    @property
    def throughput(self) -> float:
        """Questions a second."""
        return len(self.times) / self.seconds


class Asker:
    """Takes turns through the questions, whoever asks: no frame comes twice until all have come once."""

    def __init__(self, questions: Sequence[Question]) -> None:
        self._questions = questions
        self._next = 0
        self._lock = threading.Lock()

    def take(self) -> Question:
        """The next one."""
        with self._lock:
            self._next += 1
            return self._questions[(self._next - 1) % len(self._questions)]


def ask_together(address: str, asker: Asker, clients: int, each: int, signals: Sequence[str]) -> Round:
    """`clients` at the same time, each with `each` questions. Raises ExpertError when one is refused."""
    barrier = threading.Barrier(clients + 1)

    def client() -> list[tuple[float, bytes]]:
        with httpx.Client(base_url=address, timeout=_PATIENCE, trust_env=False) as connection:
            connection.get("/healthz")  # connected before the clock runs
            barrier.wait(_PATIENCE)
            return [_timed(connection, asker.take(), signals) for _ in range(each)]

    with ThreadPoolExecutor(clients) as pool:
        asked = [pool.submit(client) for _ in range(clients)]
        barrier.wait(_PATIENCE)
        began = time.perf_counter()
        answered = [one for future in asked for one in future.result()]
        seconds = time.perf_counter() - began
    return Round(tuple(took for took, _ in answered), seconds, tuple(body for _, body in answered[-8:]))


def _timed(connection: httpx.Client, question: Question, signals: Sequence[str]) -> tuple[float, bytes]:
    ask = json.dumps({"questions": [question.text], "signals": list(signals)})
    files = {"frame": ("frame.jpg", question.frame, "image/jpeg")}
    began = time.perf_counter()
    response = connection.post("/v1/answers", files=files, data={"ask": ask})
    if response.status_code != 200:
        raise ExpertError(f"The server refused a question ({response.status_code}): {response.text[:200]}")
    return time.perf_counter() - began, response.content
