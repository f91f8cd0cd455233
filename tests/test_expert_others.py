"""Programs of others, unmodified: OpenAI's client gets an answer, and schemathesis a reason."""

import base64
import json
from pathlib import Path
from typing import Any

import openai
import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from tiny_memory import jpeg
from tiny_server import TOKEN, Echo, running, small_application

from core.errors import ConfigError
from core.frames import frame_of
from core.signal import TeacherSignal
from expert.asking import AskForm, RequestLimits, check_request
from expert.panel import RequestBatcher
from expert.serve import ServerOptions, open_application
from models.expert import LocalExpert
from models.registry import load_model

ROOM = (Path(__file__).parent.parent / "docs" / "room.jpg").read_bytes()


def _message(frame: bytes, question: str) -> list[dict[str, object]]:
    url = "data:image/jpeg;base64," + base64.b64encode(frame).decode()
    parts = [{"type": "text", "text": question}, {"type": "image_url", "image_url": {"url": url}}]
    return [{"role": "user", "content": parts}]


def test_openais_client_gets_an_answer() -> None:
    with small_application(Echo(), token=TOKEN) as app, running(app) as address:
        messages = _message(jpeg(0), "What is it?")
        with openai.OpenAI(base_url=f"{address}/v1", api_key=TOKEN, max_retries=0) as client:
            assert [model.id for model in client.models.list()] == ["tiny"]
            reply = client.chat.completions.create(model="tiny", messages=messages, logprobs=True)  # type: ignore[arg-type]
            assert reply.choices[0].message.content == "What is it?"
            assert reply.choices[0].logprobs and reply.choices[0].logprobs.content
            pieces: Any = client.chat.completions.create(model="tiny", messages=messages, stream=True)  # type: ignore[arg-type]
            assert "".join(piece.choices[0].delta.content or "" for piece in pieces) == "What is it?"
            with pytest.raises(openai.UnprocessableEntityError, match="no picture"):
                client.chat.completions.create(model="tiny", messages=[{"role": "user", "content": "hi"}])
        with (
            openai.OpenAI(base_url=f"{address}/v1", api_key="wrong", max_retries=0) as stranger,
            pytest.raises(openai.AuthenticationError),
        ):
            stranger.models.list()


def test_the_real_expert_is_served_as_it_is_in_process() -> None:
    questions = ["What colour is the sofa?", "How many chairs are there?"]
    local = LocalExpert(load_model("builtin-expert", attention="eager"), 24, 2)
    told = local.ask_more(frame_of(ROOM), questions)
    (panelled,) = RequestBatcher(local).answer([
        check_request(ROOM, AskForm(questions=questions), RequestLimits())
    ])
    assert [one.reply for one in panelled] == told
    wanted = AskForm(questions=questions, signals=["attention", "focus"])
    (shown,) = RequestBatcher(local).answer([check_request(ROOM, wanted, RequestLimits())])
    for one in shown:
        assert one.reply.signal is not None and one.optional.focus is not None
        cells = TeacherSignal.from_bytes(one.reply.signal).attention
        assert cells is not None and one.optional.focus_places is not None
        assert one.optional.focus_places[0] == cells.astype("f4").sum(axis=0).argmax()


_MALFORMED, _WELL_FORMED = 4000, 1000


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ten_thousand_requests_by_a_stranger_are_answered_or_refused_with_a_reason() -> None:
    count = 0

    def attack(case: "schemathesis.Case[Any]") -> None:
        nonlocal count
        count += 1
        response = case.call()
        assert response.status_code < 500, case.as_curl_command()
        if response.status_code >= 400:
            assert json.loads(response.content)["error"]["message"]

    with small_application(Echo()) as app:
        schema = schemathesis.openapi.from_asgi("/openapi.json", app)
        found: Any = schema.get_all_operations()
        operations = [result.ok() for result in found]
        for operation in (one for one in operations if one.method == "post"):
            for mode, examples in (
                (schemathesis.GenerationMode.NEGATIVE, _MALFORMED),
                (schemathesis.GenerationMode.POSITIVE, _WELL_FORMED),
            ):
                asked = given(case=operation.as_strategy(generation_mode=mode))(attack)
                settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))(
                    asked
                )()
        assert TestClient(app).get("/healthz").status_code == 200
    assert count >= 10_000


def test_a_server_beyond_this_machine_needs_a_token(tmp_path: Path) -> None:
    for plan, said in (
        (ServerOptions("builtin-expert", host="0.0.0.0"), "token"),
        (ServerOptions("builtin-expert", certificate=tmp_path / "c.pem"), "key"),
    ):
        with pytest.raises(ConfigError, match=said):
            plan.check()
    ServerOptions("builtin-expert", host="0.0.0.0", token=TOKEN).check()


def test_what_is_served_says_what_can_be_had() -> None:
    with open_application(ServerOptions("builtin-expert", looks=1)) as app:
        told = TestClient(app, base_url="http://localhost").get("/healthz").json()
    assert told["model"] == "builtin-expert" and told["looks"] == 1
    assert told["signals"] == ["attention", "logprobs", "focus"]
