"""Calls over a real connection, to a server in a thread of this process."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from PIL import Image
from pydantic import SecretStr

from core.config import Config
from core.errors import ExpertError
from core.sections import ExpertConfig
from core.types import Answer, ExpertReply, Frame
from models.remote.address import parse
from models.remote.call import Caller
from models.remote.opening import remote_expert
from models.remote.wire import MEDIA_TYPE, WireAnswer, pack

TOKEN = "swordfish-0123456789"
FRAME = Frame(b"jpeg", Image.new("RGB", (2, 2)))
RELEASED = threading.Event()
"""Until then nothing is said at /silent."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """What our server says of itself."""
        about = {"service": "roomwise-expert", "model": "m", "distillation": True, "signals": [], "looks": 5}
        self._reply(200, json.dumps(about).encode(), "application/json")

    def do_POST(self) -> None:
        """One answer, to whoever has the token; nothing at /silent."""
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/silent":
            RELEASED.wait(30)
            self.close_connection = True
        elif self.headers["Authorization"] != f"Bearer {TOKEN}":
            self._reply(401, b'{"error": {"message": "wrong"}}', "application/json")
        else:
            body = pack("m", [WireAnswer(ExpertReply(Answer("red", (5, 2), (-0.1, -0.2), 0.9)))], ())
            self._reply(200, body, MEDIA_TYPE)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""

    def _reply(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        RELEASED.clear()
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        RELEASED.set()
        server.shutdown()
        thread.join()


def test_an_expert_on_another_port_is_asked(address: str, caplog: pytest.LogCaptureFixture) -> None:
    config = Config(expert=ExpertConfig(model=address, token=SecretStr(TOKEN)))
    expert = remote_expert(config)
    try:
        assert (expert.name, expert.teaches) == (address, False)
        with caplog.at_level("DEBUG"):
            told = expert.ask(FRAME, "What colour is the sofa?", 1)
        assert told == ExpertReply(Answer("red", (5, 2), (-0.1, -0.2), 0.9))
        assert (expert.name, expert.teaches, expert.cost.calls) == ("m", True, 1)
        assert caplog.records and TOKEN not in caplog.text
    finally:
        expert.close()


def test_a_wrong_token_is_named(address: str) -> None:
    expert = remote_expert(Config(expert=ExpertConfig(model=address, token=SecretStr("wrong"))))
    try:
        with pytest.raises(ExpertError, match="does not accept the token"):
            expert.ask(FRAME, "What?", 1)
    finally:
        expert.close()


def test_a_silent_server_is_waited_for_no_longer_than_was_said(address: str) -> None:
    caller = Caller(parse(address, False, False, False), ExpertConfig(seconds=0.2))
    begun = time.monotonic()
    with pytest.raises(ExpertError, match="does not answer"):
        caller.post("/silent", content=b"x")
    assert time.monotonic() - begun < 10
    caller.close()


def test_nobody_there_is_an_error_of_one_line() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = parse(f"http://127.0.0.1:{free.getsockname()[1]}", False, False, False)
        caller = Caller(address, ExpertConfig(), sleep=lambda _: None)
        with pytest.raises(ExpertError, match=r"does not answer; .*Check that it runs .*refused") as caught:
            caller.get("/healthz")
        assert str(caught.value).isprintable()
        caller.close()
