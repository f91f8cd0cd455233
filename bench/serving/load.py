"""An expert as a process of its own, clients that ask it at the same time, and what every request took."""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from adapters.training.codes import transfer_name
from core.errors import ExpertError
from models.remote.wire import SIGNAL_PARTS, SignalPart

_PATIENCE = 120.0
_START, _COMMENT = b"\xff\xd8", b"\xff\xfe"


@dataclass(frozen=True)
class FramedQuestion:
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


class QuestionCycle:
    """Takes turns through the questions, whoever asks. No frame comes twice: a server that keeps what it has
    seen gains nothing here.
    """

    def __init__(self, questions: Sequence[FramedQuestion]) -> None:
        self._questions = questions
        self._next = 0
        self._lock = threading.Lock()

    def take(self) -> FramedQuestion:
        """The next one."""
        with self._lock:
            number = self._next
            self._next += 1
        question = self._questions[number % len(self._questions)]
        return FramedQuestion(numbered(question.frame, number), question.text)


def numbered(frame: bytes, number: int) -> bytes:
    """The same JPEG with a number in a comment: the same picture, other bytes.

    Raises ValueError when it does not begin as a JPEG does.
    """
    if frame[:2] != _START:
        raise ValueError("only a JPEG can be numbered")
    comment = str(number).encode("ascii")
    return _START + _COMMENT + (len(comment) + 2).to_bytes(2, "big") + comment + frame[2:]


@dataclass(frozen=True)
class SignalRequest:
    """What is asked for beside the words; `transfer` is the folder of the autoencoder that makes codes."""

    signals: tuple[SignalPart, ...] = ()
    transfer: Path | None = None

    def ask(self, text: str) -> str:
        """A question as the server takes it, JSON."""
        name = "" if self.transfer is None else transfer_name(self.transfer)
        return json.dumps({"questions": [text], "signals": self.signals, "transfer": name})


def all_signals(transfer: Path | None) -> SignalRequest:
    """All signals there are to be had."""
    return SignalRequest(
        tuple(name for name in SIGNAL_PARTS if name != "code" or transfer is not None), transfer
    )


def ask_together(
    address: str, questions: QuestionCycle, clients: int, each: int, request: SignalRequest
) -> Round:
    """`clients` at the same time, each with `each` questions. Raises ExpertError when one is refused."""
    barrier = threading.Barrier(clients + 1)

    def client() -> list[tuple[float, bytes]]:
        with httpx.Client(base_url=address, timeout=_PATIENCE, trust_env=False) as connection:
            connection.get("/healthz")  # connected before the clock runs
            barrier.wait(_PATIENCE)
            return [_ask(connection, questions.take(), request) for _ in range(each)]

    with ThreadPoolExecutor(clients) as pool:
        futures = [pool.submit(client) for _ in range(clients)]
        barrier.wait(_PATIENCE)
        began = time.perf_counter()
        replies = [reply for future in futures for reply in future.result()]
        seconds = time.perf_counter() - began
    return Round(tuple(seconds for seconds, _ in replies), seconds, tuple(body for _, body in replies[-8:]))


def _ask(connection: httpx.Client, question: FramedQuestion, request: SignalRequest) -> tuple[float, bytes]:
    body = request.ask(question.text)
    files = {"frame": ("frame.jpg", question.frame, "image/jpeg")}
    began = time.perf_counter()
    response = connection.post("/v1/answers", files=files, data={"ask": body})
    if response.status_code != 200:
        raise ExpertError(f"The server refused a question ({response.status_code}): {response.text[:200]}")
    return time.perf_counter() - began, response.content


_START_SECONDS = 120.0
_STOP = 15.0


@contextmanager
def expert_server(model: str, looks: int, batch: int, transfer: Path | None = None) -> Iterator[str]:
    """Its address, once it answers. Raises ExpertError when it does not come up in two minutes."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    command = [sys.executable, "-m", "roomwise", "expert", "serve", "--model", model, "--port", str(port),
               "--looks", str(looks), "--batch", str(batch), "--rate", "0", "--queue", "4096"]  # fmt: skip
    command += [] if transfer is None else ["--transfer", str(transfer)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    address = f"http://127.0.0.1:{port}"
    try:
        _await(address, process)
        yield address
    finally:
        process.terminate()
        try:
            process.communicate(timeout=_STOP)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _await(address: str, process: "subprocess.Popen[str]") -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            stderr = (process.communicate()[1] or "").strip().splitlines()
            raise ExpertError(f"The server ended at once: {stderr[-1] if stderr else 'without a word'}")
        try:
            if httpx.get(f"{address}/healthz", timeout=1, trust_env=False).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise ExpertError(
        f"No server came up at {address} in {_START_SECONDS:.0f} s. Start one by hand to see why."
    )
