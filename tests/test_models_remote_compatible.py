"""An expert behind OpenAI's protocol; the server is a function."""

import base64
import json
import math
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from core.errors import ConfigError, ExpertError, UnusableAnswerError
from core.ports import Expert
from core.sections import ExpertConfig
from core.types import Answer, ExpertReply, Frame
from models.remote.address import Address
from models.remote.call import Caller
from models.remote.compatible import CompatibleExpert, _Logprobs, confidence

FRAME = Frame(b"\xff\xd8 a picture \xff\xd9", Image.new("RGB", (2, 2)))
URL = "https://h/v1"
TOKENS = [{"token": "re", "logprob": -0.1}, {"token": "d", "logprob": -0.3, "top_logprobs": []}]


def _reply(text: Any = "red", logprobs: Any = None) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "logprobs": logprobs, "finish_reason": "stop"}
    return {"id": "x", "object": "chat.completion", "choices": [choice], "usage": {"total_tokens": 9}}


class Server:
    """Says `reply`; where `strict`, only to who wants no likelihoods, and `status` to all others."""

    def __init__(self, reply: Any, strict: bool = False, status: int = 400) -> None:
        self.reply, self.strict, self.status = reply, strict, status
        self.bodies: list[dict[str, Any]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert (request.method, str(request.url)) == ("POST", f"{URL}/chat/completions")
        self.bodies.append(json.loads(request.read()))
        if self.strict and "logprobs" in self.bodies[-1]:
            return httpx.Response(self.status, json={"error": "logprobs is not supported"})
        return self.reply if isinstance(self.reply, httpx.Response) else httpx.Response(200, json=self.reply)


def _expert(server: Server, model: str = "llava", teaches: bool = True, **settings: Any) -> CompatibleExpert:
    transport = httpx.MockTransport(server)
    caller = Caller(Address(URL), ExpertConfig(**settings), transport=transport, sleep=lambda _: None)
    return CompatibleExpert(caller, model, 24, teaches)


def test_a_question_goes_with_its_frame_and_an_answer_comes_back() -> None:
    server = Server(_reply(" red\n\x1b[31m", {"content": TOKENS}))
    expert: Expert = _expert(server)
    told = expert.ask(FRAME, "What colour is it?", 1)
    assert told == ExpertReply(Answer("red [31m", (), (), told.answer.confidence))
    assert told.answer.confidence == pytest.approx(math.exp(-0.2))
    body = server.bodies[0]
    system, user = body.pop("messages")
    assert body == {"model": "llava", "max_tokens": 24, "temperature": 0, "logprobs": True}
    assert system == {"role": "system", "content": "Answer in a few words."}
    text, picture = user["content"]
    assert (user["role"], text) == ("user", {"type": "text", "text": "What colour is it?"})
    kind, _, data = picture["image_url"]["url"].partition(",")
    assert (picture["type"], kind) == ("image_url", "data:image/jpeg;base64")
    assert base64.b64decode(data) == FRAME.jpeg


def test_the_models_name_is_needed() -> None:
    with pytest.raises(ConfigError, match=r"https://h/v1 .*Set expert\.remote_model"):
        _expert(Server(_reply()), model="")
    assert _expert(Server(_reply()), model="a/b:7b").name == "a/b:7b"


def test_a_server_without_likelihoods_is_asked_for_them_once() -> None:
    server = Server(_reply(), strict=True)
    expert = _expert(server)
    assert [expert.ask(FRAME, "What?", turn).answer.confidence for turn in (1, 2)] == [1.0, 1.0]
    assert ["logprobs" in body for body in server.bodies] == [True, False, False]
    assert expert.cost.calls == 2


def test_another_fault_is_not_taken_for_theirs() -> None:
    server = Server(httpx.Response(400, json={"error": {"message": "no pictures"}}))
    expert = _expert(server)
    with pytest.raises(ExpertError, match="400: no pictures"):
        expert.ask(FRAME, "What?", 1)
    server.reply = _reply("red", {"content": TOKENS})
    assert expert.ask(FRAME, "What?", 2).answer.confidence < 1


def test_nothing_but_a_refusal_of_them_is_asked_again_without() -> None:
    server = Server(_reply(), strict=True, status=404)
    with pytest.raises(ExpertError, match="logprobs is not supported"):
        _expert(server).ask(FRAME, "What?", 1)
    assert len(server.bodies) == 1


def test_more_is_asked_only_where_it_may_be_learnt_from() -> None:
    server = Server(_reply())
    assert not _expert(server, teaches=False).teaches
    assert _expert(server, teaches=False).ask_more(FRAME, ["a?", "b?"]) == []
    assert not server.bodies
    expert = _expert(server)
    assert expert.teaches
    assert [told.answer.text for told in expert.ask_more(FRAME, ["a?", "b?"])] == ["red", "red"]
    assert [body["messages"][1]["content"][0]["text"] for body in server.bodies] == ["a?", "b?"]
    assert expert.cost.calls == 2


@pytest.mark.parametrize("text", ["", " \n", "\u200b", None])
def test_an_empty_answer_is_none(text: str | None) -> None:
    with pytest.raises(ExpertError, match=r"llava at https://h/v1 gave an empty answer\. Ask in other"):
        _expert(Server(_reply(text))).ask(FRAME, "What?", 1)


@pytest.mark.parametrize(
    "reply",
    [
        {},
        [],
        {"choices": []},
        {"choices": [{}]},
        _reply(["red"]),
        _reply("red", {"content": [{"logprob": "high"}]}),
        _reply("red", {"content": "high"}),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, content=b""),
        httpx.Response(200, text="[" * 100_000),
        httpx.Response(200, text=json.dumps(_reply("red", {"content": [{"logprob": math.nan}]}))),
    ],
)
def test_a_reply_of_another_shape_is_refused(reply: Any) -> None:
    with pytest.raises(ExpertError, match=r"is no chat completion\. Correct"):
        _expert(Server(reply)).ask(FRAME, "What?", 1)


@pytest.mark.parametrize("logprobs", [None, {}, {"content": None}, {"content": []}, {"tokens": ["red"]}])
def test_without_likelihoods_it_is_sure(logprobs: Any) -> None:
    assert _expert(Server(_reply("red", logprobs))).ask(FRAME, "What?", 1).answer.confidence == 1.0


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_confidence_is_a_share_whatever_comes(values: list[float]) -> None:
    logprobs = _Logprobs.model_validate({"content": [{"logprob": value} for value in values]})
    assert 0 <= confidence(logprobs) <= 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("<think>\nIt looks red.\n</think>\n\nred", "red"),
        ("<thinking>hm</thinking>red", "red"),
        ("hm, it looks red </think> red", "red"),  # the template has begun to think already
        ("a <b>red</b> sofa", "a <b>red</b> sofa"),
        ([{"type": "text", "text": "red"}], "red"),
        ([{"type": "thinking", "thinking": [{"type": "text"}]}, {"type": "text", "text": "red"}], "red"),
        ([{"type": "text", "text": "dark "}, {"type": "text", "text": "red"}], "dark red"),
    ],
)  # fmt: skip
def test_what_a_model_thinks_aloud_is_no_answer(content: Any, words: str) -> None:
    assert _expert(Server(_reply(content))).ask(FRAME, "What?", 1).answer.text == words


@pytest.mark.parametrize(
    "content", ["<think> the sofa, let me see", [{"type": "thinking"}], "<think></think>"]
)
def test_thoughts_alone_are_no_answer(content: Any) -> None:
    with pytest.raises(UnusableAnswerError, match="empty answer"):
        _expert(Server(_reply(content))).ask(FRAME, "What?", 1)


@pytest.mark.parametrize("content", ["The sofa appears to be a shade of", None, ""])
def test_an_answer_that_was_cut_off_names_the_limit(content: str | None) -> None:
    reply = _reply(content)
    reply["choices"][0]["finish_reason"] = "length"
    expert = _expert(Server(reply))
    with pytest.raises(UnusableAnswerError, match=r"cut off at 24 tokens\. Raise student\.max_new_tokens"):
        expert.ask(FRAME, "What?", 1)
    assert [told.answer.text for told in expert.ask_more(FRAME, ["What?", "Where?"])] == ["", ""]


@pytest.mark.parametrize("status", [400, 403, 422, 500, 501])
def test_a_server_without_likelihoods_is_asked_without(status: int) -> None:
    server = Server(_reply("red"), strict=True, status=status)
    expert = _expert(server)
    assert [expert.ask(FRAME, "What?", turn).answer.text for turn in (1, 2)] == ["red", "red"]
    assert ["logprobs" in body for body in server.bodies][-2:] == [False, False]
