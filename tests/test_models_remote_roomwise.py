"""An expert of our own kind behind an address; the server is a function."""

import json
from email import message_from_bytes, policy
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from core.errors import ExpertError
from core.ports import Expert
from core.sections import ExpertConfig
from core.signal import TeacherSignal
from core.types import Answer, ExpertReply, Frame
from models.remote.address import Address
from models.remote.call import Caller
from models.remote.roomwise import RoomwiseExpert
from models.remote.wire import LEARNT_FROM, MEDIA_TYPE, WireAnswer, pack

FRAME = Frame(b"\xff\xd8 a picture \r\n\xff\xd9", Image.new("RGB", (2, 2)))
ABOUT = {
    "status": "ok", "service": "roomwise-expert", "model": "builtin-expert", "looks": 5,
    "signals": ["attention", "logprobs"], "distillation": True,
}  # fmt: skip
URL = "https://h"


def _signal(seed: int) -> bytes:
    random = np.random.default_rng(seed)
    return TeacherSignal(
        np.array([[0, 3]], np.int32),
        random.random((1, 4, 4)).astype(np.float16),
        random.integers(0, 9, (2, 3)).astype(np.int32),
        -random.random((2, 3)).astype(np.float16),
        "v",
    ).to_bytes()


def _told(question: str) -> ExpertReply:
    seed = len(question)
    return ExpertReply(Answer(f"to {question}", (seed, 2), (-0.5, -0.25), 0.75), _signal(seed))


class Server:
    """Serves `about` and, to each question, its echo; `reply` in its stead where given."""

    def __init__(
        self, about: Any = None, reply: httpx.Response | None = None, model: str = "builtin-expert"
    ) -> None:
        self.about: Any = ABOUT if about is None else about
        self.reply, self.model = reply, model
        self.paths: list[str] = []
        self.asks: list[dict[str, Any]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.paths.append(f"{request.method} {request.url.path}")
        if request.url.path == "/healthz":
            return (
                self.about if isinstance(self.about, httpx.Response) else httpx.Response(200, json=self.about)
            )
        self.asks.append(_ask_of(request))
        if self.reply is not None:
            return self.reply
        said = [WireAnswer(_told(question)) for question in self.asks[-1]["questions"]]
        body = pack(self.model, said, LEARNT_FROM)
        return httpx.Response(200, content=body, headers={"Content-Type": MEDIA_TYPE})


def _ask_of(request: httpx.Request) -> dict[str, Any]:
    """The form field `ask` of a request that has the frame beside it."""
    head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    parts = message_from_bytes(head + request.read(), policy=policy.HTTP).iter_parts()
    named = {part["Content-Disposition"].params["name"]: part for part in parts}
    assert set(named) == {"frame", "ask"}
    assert (named["frame"].get_filename(), named["frame"].get_content_type()) == ("frame.jpg", "image/jpeg")
    assert FRAME.jpeg in request.content
    ask = json.loads(named["ask"].get_content())
    assert isinstance(ask, dict)
    return ask


def _expert(server: Server, **settings: Any) -> RoomwiseExpert:
    transport = httpx.MockTransport(server)
    return RoomwiseExpert(
        Caller(Address(URL), ExpertConfig(**settings), transport=transport, sleep=lambda _: None)
    )


def test_an_answer_and_its_signal_arrive_as_they_were_given() -> None:
    server = Server()
    expert: Expert = _expert(server)
    assert expert.ask(FRAME, "What is it?", 3) == _told("What is it?")
    assert server.asks == [{"questions": ["What is it?"], "signals": ["attention", "logprobs"]}]


def test_what_it_is_it_is_asked_once_and_first() -> None:
    server = Server()
    expert = _expert(server)
    assert (expert.name, expert.teaches) == (URL, False)
    assert not server.paths
    expert.ask(FRAME, "What?", 1)
    expert.ask(FRAME, "What?", 2)
    assert server.paths == ["GET /healthz", "POST /v1/answers", "POST /v1/answers"]
    assert (expert.name, expert.teaches) == ("builtin-expert", True)
    assert expert.cost.calls == 2


def test_one_that_must_not_be_learnt_from_says_so() -> None:
    expert = _expert(Server(ABOUT | {"distillation": False}))
    expert.ask(FRAME, "What?", 1)
    assert not expert.teaches


def test_many_questions_travel_ten_at_a_time_and_keep_their_order() -> None:
    server = Server()
    expert = _expert(server)
    questions = [f"{'x' * number}?" for number in range(23)]
    assert expert.ask_more(FRAME, questions) == [_told(question) for question in questions]
    assert [len(ask["questions"]) for ask in server.asks] == [10, 10, 3]
    assert expert.cost.calls == 23


def test_no_question_is_no_call() -> None:
    server = Server()
    assert _expert(server).ask_more(FRAME, []) == []
    assert not server.paths


def test_the_budget_counts_questions() -> None:
    expert = _expert(Server(), max_calls=12)
    with pytest.raises(ExpertError, match=r"asked 10 of at most 12 .*expert\.max_calls"):
        expert.ask_more(FRAME, ["What?"] * 13)


@pytest.mark.parametrize(
    "about",
    [
        [],
        {},
        {"status": "ok"},
        ABOUT | {"service": "other"},
        ABOUT | {"distillation": "yes"},
        ABOUT | {"model": "\u200b"},
        httpx.Response(200, text="<html>"),
        httpx.Response(200, text="[" * 100_000),
        httpx.Response(200, content=b"\xff"),
        httpx.Response(404),
        httpx.Response(405),
        httpx.Response(302, headers={"Location": "/login"}),
    ],
)
def test_a_stranger_is_asked_nothing(about: Any) -> None:
    server = Server(about)
    with pytest.raises(ExpertError, match=r"is not a Roomwise expert\. .* address ends in /v1\.$"):
        _expert(server).ask(FRAME, "What?", 1)
    assert not server.asks


@pytest.mark.parametrize(
    ("status", "message"),
    [(401, "ROOMWISE_EXPERT__TOKEN"), (429, "asked too often"), (503, "cannot answer now")],
)
def test_one_that_will_not_say_who_it_is_may_still_be_the_right_one(status: int, message: str) -> None:
    server = Server(httpx.Response(status))
    expert = _expert(server)
    with pytest.raises(ExpertError, match=message):
        expert.ask(FRAME, "What?", 1)
    server.about = ABOUT
    assert expert.ask(FRAME, "What?", 1) == _told("What?")


def test_as_many_answers_as_questions_have_to_come() -> None:
    reply = httpx.Response(200, content=pack("builtin-expert", [WireAnswer(_told("a"))] * 3, ()))
    with pytest.raises(ExpertError, match="gave 3 answers to 2 questions"):
        _expert(Server(reply=reply)).ask_more(FRAME, ["a", "b"])


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff" * 8, bytes(8), pack("m", [], ())[:-1]])
def test_an_answer_that_is_none_is_refused(content: bytes) -> None:
    with pytest.raises(ExpertError, match="cannot be read"):
        _expert(Server(reply=httpx.Response(200, content=content))).ask(FRAME, "What?", 1)


def test_answers_of_another_model_are_not_taken_for_its_own() -> None:
    server = Server(model="other")
    expert = _expert(server)
    with pytest.raises(ExpertError, match=r"was exchanged on its way\. Ask again"):
        expert.ask(FRAME, "What?", 1)
    server.about = ABOUT | {"model": "other", "distillation": False}
    assert expert.ask(FRAME, "What?", 1) == _told("What?")
    assert (expert.name, expert.teaches) == ("other", False)


def test_the_servers_reason_is_passed_on() -> None:
    reply = httpx.Response(422, json={"error": {"message": "The question is empty.", "type": "question"}})
    with pytest.raises(ExpertError, match=r"422: The question is empty\)"):
        _expert(Server(reply=reply)).ask(FRAME, "What?", 1)
