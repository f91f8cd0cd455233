"""An expert behind any OpenAI-compatible server: answers and their likelihoods."""

import base64
import math
import re
from collections.abc import Sequence
from typing import Any

import pydantic

from core.errors import ConfigError, ExpertError, UnusableAnswerError
from core.text import strip_controls
from core.types import Answer, Cost, ExpertReply, Frame
from models.remote.call import Caller
from models.remote.failure import CallError

_INSTRUCTION = "Answer in a few words."
_WITHOUT_LIKELIHOODS = frozenset({400, 403, 422, 500, 501})
"""How servers say that they give no likelihoods."""
_THINKING = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|$)|^.*</think(?:ing)?>", re.DOTALL)
"""A model's reasoning among its words; some servers leave out the tag that begins it."""


class _Part(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="ignore", strict=True)


class _Piece(_Part):
    type: str = ""
    text: str | None = None


class _Message(_Part):
    content: str | list[_Piece] | None = None

    @property
    def text(self) -> str:
        """Its words; parts that are no text, such as a model's thinking, are none."""
        pieces = self.content or ""
        if isinstance(pieces, str):
            return pieces
        return "".join(piece.text or "" for piece in pieces if piece.type == "text")


class _Token(_Part):
    logprob: pydantic.FiniteFloat


class _Logprobs(_Part):
    content: list[_Token] | None = None


class _Choice(_Part):
    message: _Message
    finish_reason: str | None = None
    logprobs: _Logprobs | None = None


class _Reply(_Part):
    choices: list[_Choice] = pydantic.Field(min_length=1)


class CompatibleExpert:
    """The model `model` of a server at an address with a version in its path.

    Answers have up to `max_new_tokens` tokens, of another vocabulary and therefore dropped. `teaches`: its
    terms permit learning from it. Raises ConfigError without a model's name.
    """

    def __init__(self, caller: Caller, model: str, max_new_tokens: int, teaches: bool) -> None:
        if not model:
            raise ConfigError(
                f"The server at {caller.address.display} may serve several models. "
                "Set expert.remote_model to the name of one."
            )
        self._caller, self._model, self._max_new_tokens = caller, model, max_new_tokens
        self.name, self.teaches = strip_controls(model), teaches
        self._likelihoods = True

    @property
    def cost(self) -> Cost:
        return Cost(self._caller.budget.calls, self._caller.budget.bytes)

    def ask(self, frame: Frame, question: str, turn: int) -> ExpertReply:
        """See the protocol. Confidence is the geometric mean of token probabilities, 1 without any."""
        return ExpertReply(self._read_answer(self._completion(frame, question)))

    def ask_more(self, frame: Frame, questions: Sequence[str]) -> list[ExpertReply]:
        """See the protocol; one request per question, none unless it teaches. Raises ExpertError."""
        return [self._ask_again(frame, question) for question in questions] if self.teaches else []

    def _ask_again(self, frame: Frame, question: str) -> ExpertReply:
        """An answer that is none has no words, which teaches nothing and stops nothing."""
        try:
            return self.ask(frame, question, 0)
        except UnusableAnswerError:
            return ExpertReply(Answer("", (), (), 0.0))

    def close(self) -> None:
        """Close the connections. No question may follow."""
        self._caller.close()

    def _completion(self, frame: Frame, question: str) -> bytes:
        body = self._request_body(frame, question)
        if self._likelihoods:
            try:
                return self._post(body | {"logprobs": True})
            except CallError as error:
                if error.status not in _WITHOUT_LIKELIHOODS:
                    raise
        content = self._post(body)
        # Only now is it clear that the server refused the likelihoods.
        self._likelihoods = False
        return content

    def _post(self, body: dict[str, Any]) -> bytes:
        return self._caller.post("/chat/completions", json=body).content

    def _request_body(self, frame: Frame, question: str) -> dict[str, Any]:
        picture = f"data:image/jpeg;base64,{base64.b64encode(frame.jpeg).decode('ascii')}"
        content = [
            {"type": "text", "text": question},
            {"type": "image_url", "image_url": {"url": picture}},
        ]
        return {
            "model": self._model,
            "messages": [
                {"role": "system", "content": _INSTRUCTION},
                {"role": "user", "content": content},
            ],
            "max_tokens": self._max_new_tokens,
            "temperature": 0,
        }

    def _read_answer(self, content: bytes) -> Answer:
        try:
            choice = _Reply.model_validate_json(content).choices[0]
        except pydantic.ValidationError as error:
            raise ExpertError(
                f"What {self._caller.address.display} answers is no chat completion. Correct expert.model."
            ) from error
        server = f"{self.name} at {self._caller.address.display}"
        if choice.finish_reason == "length":
            raise UnusableAnswerError(
                f"The answer of {server} was cut off at {self._max_new_tokens} tokens. "
                "Raise student.max_new_tokens, or set a model that reasons less as expert.remote_model."
            )
        text = strip_controls(without_reasoning(choice.message.text))
        if not text:
            raise UnusableAnswerError(
                f"{server} gave an empty answer. Ask in other words, or set another expert.remote_model."
            )
        return Answer(text, (), (), confidence(choice.logprobs))


def without_reasoning(text: str) -> str:
    """The words of a reply without those that its model thought aloud."""
    return _THINKING.sub("", text)


def confidence(logprobs: _Logprobs | None) -> float:
    """The geometric mean of the tokens' probabilities, in [0, 1]; 1 where there are none."""
    if logprobs is None or not logprobs.content:
        return 1.0
    # Some servers round above 0.
    values = [min(0.0, token.logprob) for token in logprobs.content]
    return math.exp(sum(values) / len(values))
