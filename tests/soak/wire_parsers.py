"""What goes between processes and machines."""

import base64
import contextlib
import json

import httpx
import numpy as np
from pydantic import ValidationError
from tiny_caller import Clock, Server, caller
from tiny_console import pulse
from tiny_memory import frame, jpeg
from tiny_server import said

from agent.attach import codec
from agent.console import Ask
from core.frames import decode
from core.signal import TeacherSignal
from expert.asking import read_ask
from expert.chat import Chat, read_chat
from models.remote.compatible import CompatibleExpert
from models.remote.failure import refusal_error
from models.remote.wire import pack, unpack
from soak.parser import bytes_parser


def _wish() -> bytes:
    return codec.line(codec.wish_message(7, Ask("What is it?")))


def _read_wish(data: bytes) -> None:
    codec.read_wish(codec.parse(data))


def _read_news(data: bytes) -> None:
    message = codec.parse(data)
    codec.read_news(message)
    codec.read_reply(message, Ask("What is it?"))


def _signal() -> bytes:
    return TeacherSignal(
        np.array([[0, 4]], np.int32), np.full((1, 2, 2), 0.1, np.float16),
        np.array([[1, 2]], np.int32), np.array([[-0.1, -2.0]], np.float16), "a" * 64,
    ).to_bytes()  # fmt: skip


def _completion() -> bytes:
    choice = {
        "index": 0, "message": {"role": "assistant", "content": "a sofa"}, "finish_reason": "stop",
        "logprobs": {"content": [{"token": "a", "logprob": -0.1}]},
    }  # fmt: skip
    return json.dumps({"choices": [choice], "usage": {"total_tokens": 3}}).encode()


def _read_completion(data: bytes) -> None:
    server = Server(httpx.Response(200, content=data))
    CompatibleExpert(caller(server, Clock()), "m", 8, True).ask(frame(), "What is it?", 1)


def _read_refusal(data: bytes) -> None:
    for status in (400, 429, 503):
        headers = [(b"Retry-After", data[:40].replace(b"\n", b""))]
        posted = httpx.Request("POST", "https://h/v1")
        reply = httpx.Response(status, content=data, headers=headers, request=posted)
        refusal_error(reply, "h", "secret")


def _read_ask(data: bytes) -> None:
    read_ask(data.decode(errors="replace"))


def _chat() -> bytes:
    url = "data:image/jpeg;base64," + base64.b64encode(jpeg()).decode()
    parts = [{"type": "text", "text": "What?"}, {"type": "image_url", "image_url": {"url": url}}]
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": parts}]}).encode()


def _read_chat(data: bytes) -> None:
    with contextlib.suppress(ValidationError):
        picture, _ = read_chat(Chat.model_validate_json(data))
        decode(picture)


PARSERS = (
    bytes_parser("wish", _wish, _read_wish),
    bytes_parser("news", lambda: codec.line(codec.news_message(pulse())), _read_news),
    bytes_parser("teacher signal", _signal, TeacherSignal.from_bytes),
    bytes_parser("expert's reply", lambda: pack("m", [said("a sofa")], ()), unpack),
    bytes_parser("chat completion", _completion, _read_completion, 3),
    bytes_parser("expert's refusal", lambda: b'{"error": {"message": "no"}}', _read_refusal),
    bytes_parser("asked of the server", lambda: b'{"questions": ["What?"]}', _read_ask),
    bytes_parser("chat with the server", _chat, _read_chat),
)  # fmt: skip
