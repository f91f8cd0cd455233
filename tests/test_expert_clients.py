"""Many clients, rude clients, and thousands of malformed requests: the server stays as it was."""

import base64
import json
import resource
import socket
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_memory import jpeg
from tiny_server import Echo, running, small_application

from expert.asking import QuestionBatch

FRAME = jpeg(0)


def ask(client: httpx.Client, text: str) -> httpx.Response:
    files = {"frame": ("frame.jpg", FRAME, "image/jpeg")}
    return client.post(
        "/v1/answers", files=files, data={"ask": json.dumps({"questions": [text], "signals": []})}
    )


def test_two_hundred_clients_at_once_are_all_answered_or_told_to_wait() -> None:
    echo = Echo(lambda batch: time.sleep(0.01))
    with small_application(echo, queue=64) as app, running(app) as address:

        def one(number: int) -> int:
            with httpx.Client(base_url=address, timeout=30, trust_env=False) as client:
                return ask(client, str(number)).status_code

        with ThreadPoolExecutor(200) as pool:
            codes = list(pool.map(one, range(200)))
        assert set(codes) <= {200, 503} and codes.count(200) >= 64
        with httpx.Client(base_url=address, trust_env=False) as client:
            assert ask(client, "after all").status_code == 200
    assert max(echo.batches) > 1


def test_who_hangs_up_leaves_the_queue() -> None:
    begun, free = threading.Event(), threading.Event()
    seen: list[str] = []

    def hold(batch: Sequence[QuestionBatch]) -> None:
        seen.extend(request.questions[0] for request in batch)
        begun.set()
        free.wait(10)

    with (
        small_application(Echo(hold)) as app,
        running(app) as address,
        httpx.Client(base_url=address, timeout=30, trust_env=False) as client,
        ThreadPoolExecutor(2) as pool,
    ):
        first = pool.submit(ask, client, "first")
        begun.wait(10)
        _hang_up(address, "left")
        while "roomwise_expert_waiting 0.0" not in client.get("/metrics").text:
            time.sleep(0.01)
        free.set()
        assert first.result().status_code == 200
        assert ask(client, "after").status_code == 200
    assert seen == ["first", "after"]


def _hang_up(address: str, text: str) -> None:
    """Send a whole request, and close the line once it is queued."""
    request = httpx.Request(
        "POST", f"{address}/v1/answers", files={"frame": ("f.jpg", FRAME, "image/jpeg")},
        data={"ask": json.dumps({"questions": [text], "signals": []})},
    )  # fmt: skip
    body, url = request.read(), httpx.URL(address)
    kind = request.headers["content-type"]
    head = f"POST /v1/answers HTTP/1.1\r\nHost: {url.host}\r\nContent-Type: {kind}\r\n"
    with socket.create_connection((url.host, url.port or 80)) as line:
        line.sendall(head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        with httpx.Client(base_url=address, trust_env=False) as client:
            while "roomwise_expert_waiting 1.0" not in client.get("/metrics").text:
                time.sleep(0.01)


def test_a_chat_is_streamed_piece_by_piece_and_survives_hanging_up() -> None:
    class Slow(Echo):
        def answer(self, requests: Sequence[QuestionBatch]) -> Any:
            for request in requests:
                for piece in ("a ", "red ", "sofa"):
                    if request.hear is not None:
                        request.hear(piece)
                    time.sleep(0.05)
            return [[] for _ in requests]

    body = {
        "messages": [{"role": "user", "content": [{"type": "text", "text": "What?"}, _picture()]}],
        "stream": True,
    }
    with (
        small_application(Slow()) as app,
        running(app) as address,
        httpx.Client(base_url=address, timeout=30, trust_env=False) as client,
    ):
        with client.stream("POST", "/v1/chat/completions", json=body) as response:
            lines = [line for line in response.iter_lines() if line]
        assert lines[-1] == "data: [DONE]"
        chunks = [json.loads(line[6:])["choices"][0] for line in lines[:-1]]
        assert [chunk["delta"].get("content") for chunk in chunks] == ["a ", "red ", "sofa", None]
        assert chunks[-1]["finish_reason"] == "stop"
        with client.stream("POST", "/v1/chat/completions", json=body) as response:
            next(response.iter_lines())
        assert client.get("/healthz").status_code == 200


def _picture() -> dict[str, object]:
    encoded = base64.b64encode(FRAME).decode()
    return {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{encoded}"}}


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def client() -> Any:
    with small_application(Echo()) as app:
        yield TestClient(app, raise_server_exceptions=False)


def _refused_with_a_reason(response: Any) -> None:
    assert response.status_code in (200, 400, 404, 405, 413, 422, 499), response.text
    if response.status_code != 200:
        error = response.json()["error"]
        assert error["message"] and error["type"] != "internal"


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_damaged_frames_never_do_more_than_be_refused(client: Any, data: st.DataObject) -> None:
    frame = bytearray(FRAME)
    for _ in range(data.draw(st.integers(0, 8))):
        frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(frame)))
    files = {"frame": ("f.jpg", bytes(frame[:cut]) + data.draw(st.binary(max_size=30)), "image/jpeg")}
    form = {"ask": json.dumps({"questions": ["x"], "signals": []})}
    _refused_with_a_reason(client.post("/v1/answers", files=files, data=form))


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(ask=_JSON, chat=_JSON, raw=st.binary(max_size=200))
def test_nonsense_is_refused_with_a_reason(client: Any, ask: object, chat: object, raw: bytes) -> None:
    files = {"frame": ("f.jpg", FRAME, "image/jpeg")}
    _refused_with_a_reason(client.post("/v1/answers", files=files, data={"ask": json.dumps(ask)}))
    kind = {"content-type": "application/json"}
    _refused_with_a_reason(client.post("/v1/chat/completions", content=json.dumps(chat), headers=kind))
    _refused_with_a_reason(client.post("/v1/chat/completions", content=raw, headers=kind))
    form = {"content-type": "multipart/form-data; boundary=b"}
    _refused_with_a_reason(client.post("/v1/answers", content=b"--b\r\n" + raw + b"\r\n--b--", headers=form))


def test_memory_stays_flat_over_many_requests(client: Any) -> None:
    def held() -> int:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize()

    def round_of(count: int) -> None:
        for number in range(count):
            bad = {"ask": "{" * (number % 50)}
            client.post(
                "/v1/answers", files={"frame": ("f.jpg", FRAME[: number % 200], "image/jpeg")}, data=bad
            )

    round_of(300)
    before = held()
    round_of(600)
    assert held() - before < 20_000_000
