"""OpenAI's chat completions: one picture and one question a request."""

import base64
import binascii
import json
import time
import uuid
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import pydantic

from core.errors import InputError
from core.types import Answer

_PREFIX = "data:image/jpeg;base64,"


class _Loose(pydantic.BaseModel):
    # Clients send settings that change nothing here.
    model_config = pydantic.ConfigDict(extra="ignore")

    @pydantic.model_validator(mode="before")
    @classmethod
    def _leave_out_nulls(cls, values: Any) -> Any:
        # OpenAI's interface lets a setting be null, which means what leaving it out does.
        if not isinstance(values, dict):
            return values
        return {name: value for name, value in values.items() if value is not None}


class Url(_Loose):
    """A picture's address: only the picture itself, as a data URL. Nothing is fetched."""

    url: str


class TextPart(_Loose):
    """Words."""

    type: Literal["text"]
    text: str


class ImagePart(_Loose):
    """A picture."""

    type: Literal["image_url"]
    image_url: Url


class ChatMessage(_Loose):
    """Who says what."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: (
        str
        | Annotated[
            list[Annotated[TextPart | ImagePart, pydantic.Field(discriminator="type")]],
            pydantic.Field(max_length=16),
        ]
    ) = ""


class Chat(_Loose):
    """POST /v1/chat/completions: the last message with a picture holds the question."""

    model: str = ""
    messages: Annotated[list[ChatMessage], pydantic.Field(min_length=1, max_length=64)]
    stream: bool = False
    logprobs: bool = False


def read_chat(chat: Chat) -> tuple[bytes, str]:
    """The JPEG and the question. Raises InputError unless there is exactly one picture, as a data URL."""
    for message in reversed(chat.messages):
        parts = message.content
        if isinstance(parts, str):
            continue
        pictures = [part.image_url.url for part in parts if isinstance(part, ImagePart)]
        if pictures:
            words = " ".join(part.text for part in parts if isinstance(part, TextPart))
            if len(pictures) > 1:
                raise InputError("There are several pictures. Send one, with one question.")
            return _jpeg(pictures[0]), words
    raise InputError("There is no picture. Send one as image_url with a data:image/jpeg;base64 address.")


def _jpeg(url: str) -> bytes:
    if not url.startswith(_PREFIX):
        raise InputError(f"The picture must be a data URL that begins with {_PREFIX}. Nothing is fetched.")
    try:
        return base64.b64decode(url[len(_PREFIX) :], validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError("The picture's base64 is damaged. Encode the JPEG's bytes again.") from error


def completion(model: str, answer: Answer, pieces: Sequence[str], logprobs: bool) -> dict[str, Any]:
    """The whole reply. `pieces` are the answer's tokens as text."""
    choice: dict[str, Any] = {
        "index": 0,
        "message": {"role": "assistant", "content": answer.text, "refusal": None},
        "finish_reason": "stop",
        "logprobs": {"content": _likelihoods(answer, pieces), "refusal": None} if logprobs else None,
    }
    tokens = len(answer.token_ids)
    usage = {"prompt_tokens": 0, "completion_tokens": tokens, "total_tokens": tokens}
    return {**_about(model, "chat.completion"), "choices": [choice], "usage": usage}


def chunk(head: dict[str, Any], piece: str, last: bool = False) -> bytes:
    """One event of a streamed reply; `head` is `opening`'s."""
    choice = {
        "index": 0,
        "delta": {} if last else {"role": "assistant", "content": piece},
        "finish_reason": "stop" if last else None,
    }
    return b"data: " + json.dumps({**head, "choices": [choice]}).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"


def opening(model: str) -> dict[str, Any]:
    """What all events of one streamed reply share."""
    return _about(model, "chat.completion.chunk")


def _about(model: str, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{uuid.uuid4().hex}", "object": kind, "created": int(time.time()), "model": model}


def _likelihoods(answer: Answer, pieces: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {"token": piece, "logprob": logprob, "bytes": list(piece.encode()), "top_logprobs": []}
        for piece, logprob in zip(pieces, answer.token_logprobs, strict=True)
    ]
