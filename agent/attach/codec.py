"""What goes between an agent and a dashboard that is attached: one JSON object a line.

| from the agent | |
|---|---|
| {"event": ...} | an event, as it is recorded |
| {"past": [line, ...]} | events so far, in pieces; {"back": true} ends them |
| {"pulse": {...}}, {"partial": {...}}, {"gone": {...}} | as their classes |
| {"reply": 7, "value": ...} | to the wish of that number |
| {"reply": 7, "error": "CaptureError", "message": "..."} | the same, when it failed |
| {"refused": "..."} | why nothing is told; the connection is closed |

| to the agent | |
|---|---|
| {"hello": 1, "token": "..."} | comes first |
| {"wish": 7, "kind": "Ask", "values": {...}} | a wish |

Everything is checked against its class. Bytes are Base64.
"""

import base64
import dataclasses
import json
import math
from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import ConfigDict, TypeAdapter

from agent.console import Gone, Partial, Pulse, Wish
from core import errors
from core.errors import InputError, RoomwiseError
from core.untrusted import Malformed, check_value, parse_json

PROTOCOL = 1
LONGEST_WISH = 64 * 1024
"""Bytes of a line to the agent."""
LONGEST_NEWS = 64 * 1024 * 1024
"""Bytes of a line from it, which may hold a frame."""
_REMEDY = "Use the same version of Roomwise on both sides."
_FAULT = "The agent failed at this. See what it says where it runs, and try again."

Json = dict[str, Any]

_WISHES = {kind.__name__: kind for kind in Wish.__subclasses__()}
_NEWS: dict[str, type] = {"pulse": Pulse, "partial": Partial, "gone": Gone}


def line(message: Json) -> bytes:
    """A message as a line."""
    text = json.dumps(message, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode(errors="replace") + b"\n"


def parse(data: bytes) -> Json:
    """A line as a message. Raises InputError when it is none."""
    try:
        message = parse_json(data)
    except Malformed as error:
        raise InputError(f"Not a message: {data[:60]!r}. {_REMEDY}") from error
    if not isinstance(message, dict):
        raise InputError(f"Not a message: {data[:60]!r}. {_REMEDY}")
    return message


def wish_message(number: int, wish: Wish) -> Json:
    """A wish, numbered so that its reply can be matched."""
    return {"wish": number, "kind": type(wish).__name__, "values": encode(wish)}


def read_wish(message: Json) -> tuple[int, Wish]:
    """The number and the wish. Raises InputError when it is none."""
    if message.keys() != {"wish", "kind", "values"} or type(message["wish"]) is not int:
        raise InputError(f"Not a wish: {str(message)[:60]}. {_REMEDY}")
    kind = _WISHES.get(message["kind"]) if isinstance(message["kind"], str) else None
    if kind is None:
        raise InputError(f"There is no wish {str(message['kind'])[:60]!r}. {_REMEDY}")
    wish: Wish = decode(message["values"], kind)
    return message["wish"], wish


def news_message(news: Pulse | Partial | Gone) -> Json:
    name = next(name for name, kind in _NEWS.items() if isinstance(news, kind))
    return {name: encode(news)}


def read_news(message: Json) -> Pulse | Partial | Gone | None:
    """A pulse, draft or ending, None when the message is something else. Raises InputError."""
    name = next((name for name in _NEWS if name in message), None)
    if name is None:
        return None
    news: Pulse | Partial | Gone = decode(message[name], _NEWS[name])
    return news


def reply_message(number: int, value: Any = None, error: BaseException | None = None) -> Json:
    if error is None:
        return {"reply": number, "value": encode(value)}
    is_ours = isinstance(error, RoomwiseError)
    name = type(error).__name__ if is_ours else RoomwiseError.__name__
    return {"reply": number, "error": name, "message": str(error) if is_ours else _FAULT}


def read_reply(message: Json, wish: Wish) -> Any:
    """The value replied to a wish. Raises the replied error, or InputError for no reply to it."""
    if "error" in message:
        kind = getattr(errors, str(message["error"]), RoomwiseError)
        is_ours = isinstance(kind, type) and issubclass(kind, RoomwiseError)
        raise (kind if is_ours else RoomwiseError)(str(message.get("message", "")) or _FAULT)
    if "value" not in message:
        raise InputError(f"Not a reply: {str(message)[:60]}. {_REMEDY}")
    return decode(message["value"], wish.reply)


def encode(value: Any) -> Any:
    """A value of `agent.console` in JSON's types."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {spec.name: encode(getattr(value, spec.name)) for spec in dataclasses.fields(value)}
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, Mapping):
        return {str(name): encode(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return 0.0  # a machine's nonsense, that JSON cannot tell
    return value


def decode(value: Any, kind: Any) -> Any:
    """A value of this type from JSON's types. Raises InputError when it is none."""
    try:
        (read,) = _reader(kind).validate_json(json.dumps([check_value(value)]))
    except ValueError as error:
        name = getattr(kind, "__name__", str(kind))
        raise InputError(f"This is no {name}: {str(value)[:60]!r}. {_REMEDY}") from error
    return read


@cache
def _reader(kind: Any) -> TypeAdapter[list[Any]]:
    """For a list: a dataclass alone takes no configuration."""
    config = ConfigDict(strict=True, extra="forbid", val_json_bytes="base64")
    return TypeAdapter(list[kind], config=config)
