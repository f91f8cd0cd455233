"""A server with few open files, half of whose clients stall: whoever sends whole requests is answered."""

import io
import itertools
import os
import resource
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
from PIL import Image

_FILES = 256
_STARTING = 120.0
_HEADER = b"POST /v1/answers HTTP/1.1\r\nHost: localhost\r\n"
_STALLS = (b"", b"POST /v1/ans", _HEADER + b"X-Slow: ", _HEADER + b"Content-Length: 1000\r\n\r\nhalf")
"""How far a stalling client comes: not at all, into the line, the header, the body."""


def try_clients(clients: int, questions: int, folder: Path) -> Counter[str]:
    """Half of the clients stall, again and again; the others ask so many questions each. Counts outcomes."""
    outcomes: Counter[str] = Counter()
    with _server(folder) as address:
        ended = threading.Event()
        stalling = [
            threading.Thread(target=_stall, args=(address, sent, ended), daemon=True)
            for sent in itertools.islice(itertools.cycle(_STALLS), clients // 2)
        ]
        for thread in stalling:
            thread.start()
        with ThreadPoolExecutor(clients // 2) as pool:
            asked = [pool.submit(_ask, address, questions) for _ in range(clients // 2)]
            for future in asked:
                outcomes += future.result()
        ended.set()
    return outcomes


def _stall(address: tuple[str, int], sent: bytes, ended: threading.Event) -> None:
    """Send a piece of a request and wait; once hung up on, do it again."""
    while not ended.is_set():
        with suppress(OSError), socket.create_connection(address, timeout=5) as connection:
            connection.sendall(sent)
            connection.settimeout(1)
            while not ended.is_set():
                with suppress(TimeoutError):
                    if not connection.recv(4096):
                        break
        ended.wait(0.1)


def _ask(address: tuple[str, int], questions: int) -> Counter[str]:
    outcomes: Counter[str] = Counter()
    picture = io.BytesIO()
    Image.new("RGB", (64, 48), "red").save(picture, "JPEG")
    with httpx.Client(base_url=f"http://localhost:{address[1]}", timeout=300) as client:
        for _ in range(questions):
            outcomes[_outcome(client, picture.getvalue())] += 1
    return outcomes


def _outcome(client: httpx.Client, picture: bytes) -> str:
    """As a device does it: told to wait, it waits, and asks again."""
    form = {"ask": '{"questions": ["What colour is it?"], "signals": []}'}
    for _ in range(20):
        try:
            reply = client.post("/v1/answers", data=form, files={"frame": picture})
        except httpx.HTTPError as error:
            return type(error).__name__
        if reply.status_code not in (429, 503):
            break
        time.sleep(float(reply.headers.get("Retry-After", 1)))
    return "answered" if reply.status_code == 200 else str(reply.status_code)


@contextmanager
def _server(folder: Path) -> Iterator[tuple[str, int]]:
    """The command itself, with its limit of open files."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "roomwise", "expert", "serve", "--model", "builtin-student"]
    command += ["--looks", "1", "--port", str(port)]
    env = {**os.environ, "ROOMWISE_HOME": str(folder)}
    limits = (_FILES, _FILES)
    process = subprocess.Popen(
        command, env=env, stderr=subprocess.DEVNULL,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, limits),
    )  # fmt: skip
    try:
        _wait_for(port, process)
        yield "127.0.0.1", port
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    begun = time.monotonic()
    while process.poll() is None and time.monotonic() - begun < _STARTING:
        with suppress(httpx.HTTPError):
            httpx.get(f"http://localhost:{port}/healthz")
            return
        time.sleep(0.2)
    raise RuntimeError("the server did not start")
