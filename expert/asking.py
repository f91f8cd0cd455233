"""What a request may hold, checked before a model sees it."""

from dataclasses import dataclass, replace
from typing import Annotated

import pydantic

from core.errors import InputError
from core.frames import frame_of
from core.text import check_question
from core.types import Frame
from models.expert import OnPiece
from models.remote.wire import LEARNT_FROM, SignalPart

MOST_QUESTIONS = 16
LONGEST_QUESTION = 1000


@dataclass(frozen=True)
class RequestLimits:
    body_bytes: int = 8 * 1024 * 1024
    pixels: int = 20_000_000
    questions: int = MOST_QUESTIONS


class AskForm(pydantic.BaseModel):
    """The form field `ask` of POST /v1/answers: questions about one frame, and what is wanted beside words.

    `transfer` is the SHA-256 of the autoencoder's weights where "code" is wanted.
    """

    model_config = pydantic.ConfigDict(extra="forbid", use_attribute_docstrings=True)

    questions: Annotated[list[str], pydantic.Field(min_length=1, max_length=MOST_QUESTIONS)]
    """Each is answered by itself."""

    signals: Annotated[list[SignalPart], pydantic.Field(max_length=4)] = list(LEARNT_FROM)
    """What is shipped beside the words; the bytes are counted by kind."""

    transfer: Annotated[str, pydantic.Field(pattern=r"^([0-9a-f]{64})?$")] = ""


@dataclass(frozen=True)
class QuestionBatch:
    """Checked questions about a decoded frame. `hear` gets the answers so far, on the model's thread."""

    frame: Frame
    questions: tuple[str, ...]
    signals: frozenset[SignalPart]
    transfer: str = ""
    hear: OnPiece | None = None

    def heard_by(self, hear: OnPiece) -> "QuestionBatch":
        return replace(self, hear=hear)


def read_ask(text: str) -> AskForm:
    """The field as JSON. Raises InputError that names the faulty place."""
    try:
        return AskForm.model_validate_json(text)
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"The field 'ask' is wrong at {place or 'its beginning'}: {first['msg']}."
        ) from error


def check_request(frame: bytes, ask: AskForm, limits: RequestLimits) -> QuestionBatch:
    """A request ready for the queue. Raises QuestionError and ImageError."""
    questions = tuple(check_question(question, LONGEST_QUESTION) for question in ask.questions)
    return QuestionBatch(frame_of(frame, limits.pixels), questions, frozenset(ask.signals), ask.transfer)
