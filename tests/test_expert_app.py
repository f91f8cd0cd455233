"""The server's routes: what they give, and what they say to whatever else is thrown at them."""

import base64
import io
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image
from tiny_memory import jpeg
from tiny_server import TOKEN, Echo, running, small_application

from expert.asking import RequestLimits
from models.remote.wire import MEDIA_TYPE, unpack

WORDS: dict[str, Any] = {"questions": ["What is it?"], "signals": []}


@pytest.fixture
def app() -> Iterator[FastAPI]:
    with small_application(Echo()) as app:
        yield app


@pytest.fixture
def client(app: FastAPI) -> TestClient:
    return TestClient(app, raise_server_exceptions=False)


def put(client: Any, frame: bytes | None = None, ask: object = None, **more: Any) -> Any:
    files = {"frame": ("frame.jpg", jpeg(0) if frame is None else frame, "image/jpeg")}
    text = ask if isinstance(ask, str) else json.dumps(WORDS if ask is None else ask)
    return client.post("/v1/answers", files=files, data={"ask": text}, **more)


def reason(response: Any) -> str:
    error = response.json()["error"]
    assert error["type"] and error["message"].endswith((".", "TOKEN"))
    return str(error["message"])


def test_questions_about_a_frame_are_answered_in_order(client: TestClient) -> None:
    response = put(client, ask={"questions": ["What?", "Where?"], "signals": []})
    assert response.status_code == 200 and response.headers["content-type"] == MEDIA_TYPE
    model, answers = unpack(response.content)
    assert model == "tiny" and [one.reply.answer.text for one in answers] == ["What?", "Where?"]


def _bomb() -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (20_000, 20_000)).save(buffer, "JPEG", quality=1)
    return buffer.getvalue()


def _png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (b"", "JPEG"),
        (b"\xff\xd8\xff" + b"\0" * 100, "JPEG"),
        (jpeg(0)[: len(jpeg(0)) // 2], "damaged"),
        (_png(), "JPEG"),
        (b"GIF89a" + jpeg(0), "JPEG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "JPEG"),
    ],
)
def test_what_is_no_whole_jpeg_is_refused(client: TestClient, frame: bytes, said: str) -> None:
    response = put(client, frame)
    assert response.status_code == 422
    assert said in reason(response)


def test_a_decompression_bomb_is_refused_by_its_header(client: TestClient) -> None:
    response = put(client, _bomb())
    assert response.status_code == 422
    assert "pixels" in reason(response)


@pytest.mark.parametrize(
    "ask",
    [
        "", "{", "[]", "null", '{"questions": []}', '{"questions": "What?"}', '{"questions": [1]}',
        '{"questions": [""]}', '{"questions": ["\\u0007"]}', json.dumps({"questions": ["x" * 1001]}),
        json.dumps({"questions": ["x"] * 17}), '{"questions": ["x"], "signals": ["weights"]}',
        '{"questions": ["x"], "code": "import os"}', '{"questions": ["x"], "signals": ["code"]}',
        "[" * 10_000,
    ],
)  # fmt: skip
def test_what_is_no_question_is_refused(client: TestClient, ask: str) -> None:
    response = put(client, ask=ask)
    assert response.status_code == 422
    assert len(reason(response)) < 400


def test_malformed_bodies_are_refused(client: TestClient) -> None:
    for content, kind in (
        (b"--x\r\nnonsense", "multipart/form-data; boundary=x"),
        (b"", "multipart/form-data"),
        (b"ask=1", "application/x-www-form-urlencoded"),
        (b"{}", "application/json"),
    ):
        response = client.post("/v1/answers", content=content, headers={"content-type": kind})
        assert response.status_code in (400, 422), kind
        assert response.json()["error"]["message"]


def test_what_is_not_there_says_so_in_json(client: TestClient) -> None:
    for method, path, status in (("GET", "/", 404), ("GET", "/docs", 404), ("GET", "/v1/answers", 405)):
        response = client.request(method, path)
        assert response.status_code == status and response.json()["error"]["message"]


def test_without_the_token_nobody_comes_in() -> None:
    with small_application(Echo(), token=TOKEN) as app:
        client = TestClient(app)
        for given in ("", TOKEN, f"Bearer {TOKEN}x", "Bearer ", "Bearer \xe9"):
            for path in ("/metrics", "/v1/models", "/openapi.json"):
                response = client.get(path, headers={b"authorization": given.encode("latin-1")})
                assert response.status_code == 401 and TOKEN not in response.text
        assert client.get("/healthz").status_code == 200
        assert put(client, headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200


def test_web_pages_are_not_served(client: TestClient) -> None:
    response = put(client, headers={"origin": "https://example.org"})
    assert response.status_code == 403 and not any("access-control" in name for name in response.headers)


def test_larger_bodies_than_allowed_are_refused_said_or_not() -> None:
    with small_application(Echo(), limits=RequestLimits(body_bytes=2000)) as app:
        client = TestClient(app, raise_server_exceptions=False)
        assert put(client, b"\0" * 3000).status_code == 413
        pieces = (b"\0" * 500 for _ in range(10))  # no length is sent with these
        kind = {"content-type": "multipart/form-data; boundary=x"}
        response = client.post("/v1/answers", content=pieces, headers=kind)
        assert response.status_code == 413 and "2,000" in response.json()["error"]["message"]


def test_who_asks_too_often_is_told_to_wait() -> None:
    with small_application(Echo(), rate=2.0) as app:
        client = TestClient(app)
        codes = [put(client).status_code for _ in range(4)]
        assert codes[:2] == [200, 200] and 429 in codes[2:]
        late = put(client)
        assert late.status_code == 429 and int(late.headers["retry-after"]) >= 1


def test_when_too_many_wait_more_are_refused() -> None:
    free, begun = threading.Event(), threading.Event()

    def hold(batch: object) -> None:
        begun.set()
        free.wait(10)

    with (
        small_application(Echo(hold), queue=1) as app,
        running(app) as address,
        httpx.Client(base_url=address, timeout=20) as client,
    ):
        first = threading.Thread(target=put, args=(client,))
        first.start()
        begun.wait(10)
        second = threading.Thread(target=put, args=(client,))
        second.start()
        while "roomwise_expert_waiting 1.0" not in client.get("/metrics").text:
            time.sleep(0.01)
        refused = put(client)
        free.set()
        first.join()
        second.join()
    assert refused.status_code == 503 and refused.headers["retry-after"]
    assert "wait already" in reason(refused)


def _chat(*parts: object, **more: object) -> dict[str, object]:
    return {"model": "any", "messages": [{"role": "user", "content": list(parts)}], **more}


def _picture(data: bytes) -> dict[str, object]:
    return _linked("data:image/jpeg;base64," + base64.b64encode(data).decode())


def _linked(url: str) -> dict[str, object]:
    return {"type": "image_url", "image_url": {"url": url}}


QUESTION = {"type": "text", "text": "What is it?"}


def test_a_chat_is_answered_with_likelihoods(client: TestClient) -> None:
    body = _chat(QUESTION, _picture(jpeg(0)), logprobs=True, temperature=0)
    (choice,) = client.post("/v1/chat/completions", json=body).json()["choices"]
    assert choice["message"]["content"] == "What is it?"
    assert [one["logprob"] for one in choice["logprobs"]["content"]] == [-0.1, -0.2]


@pytest.mark.parametrize("name", ["stream", "logprobs", "model", "temperature", "max_tokens", "tools"])
def test_a_setting_that_is_null_is_one_left_out(client: TestClient, name: str) -> None:
    body = _chat(QUESTION, _picture(jpeg(0)), **{name: None})
    assert client.post("/v1/chat/completions", json=body).json()["choices"][0]["logprobs"] is None


def test_an_earlier_message_may_have_no_content(client: TestClient) -> None:
    body: Any = _chat(QUESTION, _picture(jpeg(0)))
    called: Any = {"role": "assistant", "content": None, "tool_calls": []}
    body["messages"] = [{"role": "user", "content": "hi"}, called, *body["messages"]]
    assert client.post("/v1/chat/completions", json=body).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {}, {"messages": []}, _chat(QUESTION), _chat(QUESTION, _picture(b"no")), _chat(_picture(jpeg(0))),
        _chat(QUESTION, _picture(jpeg(0)), _picture(jpeg(0))),
        {"messages": [{"role": "user", "content": "hi"}]},
        _chat(QUESTION, _linked("http://169.254.169.254/frame.jpg")),
        _chat(QUESTION, _linked("file:///etc/passwd")),
        _chat(QUESTION, _linked("data:image/jpeg;base64,???")),
        _chat(QUESTION, {"type": "input_audio"}), {"messages": [{"role": "root", "content": "hi"}]},
    ],
)  # fmt: skip
def test_a_chat_without_one_picture_and_a_question_is_refused(client: TestClient, body: object) -> None:
    response = client.post("/v1/chat/completions", json=body)
    assert response.status_code == 422 and reason(response)


def test_a_fault_of_the_model_is_a_reason_and_the_server_stays() -> None:
    def fail(batch: Any) -> None:
        if batch[0].questions[0] == "break":
            raise RuntimeError("secret path /home/me")
        if batch[0].questions[0] == "starve":
            raise MemoryError

    with small_application(Echo(fail)) as app:
        client = TestClient(app, raise_server_exceptions=False)
        broken = put(client, ask={"questions": ["break"], "signals": []})
        assert broken.status_code == 500 and "secret" not in broken.text and reason(broken)
        starved = put(client, ask={"questions": ["starve"], "signals": []})
        assert starved.status_code == 503 and "memory" in reason(starved)
        assert put(client).status_code == 200


def test_it_says_what_it_is_and_counts(client: TestClient) -> None:
    put(client)
    told = client.get("/healthz").json()
    assert told["service"] == "roomwise-expert" and told["model"] == "tiny" and "attention" in told["signals"]
    counted = client.get("/metrics").text
    assert 'roomwise_expert_requests_total{route="/v1/answers",status="200"} 1.0' in counted
    assert "roomwise_expert_questions_total 1.0" in counted


def test_an_expert_that_may_not_be_learnt_from_ships_no_signal() -> None:
    with small_application(Echo(), distillation=False) as app:
        client = TestClient(app)
        assert client.get("/healthz").json()["distillation"] is False
        refused = put(client, ask={"questions": ["What?"], "signals": ["attention"]})
        assert refused.status_code == 422 and "attention" in reason(refused)
