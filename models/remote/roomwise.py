"""An expert that `roomwise expert serve` serves on another machine: answers and teacher signals."""

import json
from collections.abc import Sequence
from typing import Annotated, Literal

import pydantic

from core.errors import ExpertError
from core.text import strip_controls
from core.types import Cost, ExpertReply, Frame
from models.remote.call import Caller
from models.remote.failure import CallError
from models.remote.wire import LEARNT_FROM, unpack

AT_ONCE = 10
"""Questions in a request; the server answers them without others in between."""
_HEALTH, _ANSWERS = "/healthz", "/v1/answers"
_Name = Annotated[
    str,
    pydantic.Field(max_length=200),
    pydantic.AfterValidator(strip_controls),
    pydantic.Field(min_length=1),
]


class _Health(pydantic.BaseModel):
    """What the server says about itself; unknown fields are ignored."""

    model_config = pydantic.ConfigDict(extra="ignore", strict=True)

    service: Literal["roomwise-expert"]
    model: _Name
    distillation: bool


class RoomwiseExpert:
    """A Roomwise expert behind an address. Its health is fetched before the first question."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._health: _Health | None = None

    @property
    def name(self) -> str:
        """The model's name; the address until the server has answered."""
        return self._health.model if self._health else self._caller.address.display

    @property
    def teaches(self) -> bool:
        """Whether the server permits it; False until it has answered."""
        return self._health is not None and self._health.distillation

    @property
    def cost(self) -> Cost:
        return Cost(self._caller.budget.calls, self._caller.budget.bytes)

    def ask(self, frame: Frame, question: str, turn: int) -> ExpertReply:
        return self._answers(frame, [question])[0]

    def ask_more(self, frame: Frame, questions: Sequence[str]) -> list[ExpertReply]:
        """See the protocol; `AT_ONCE` questions per request, none unless it teaches. Raises ExpertError."""
        if not questions or not self._ensure_health().distillation:
            return []
        batches = (questions[start : start + AT_ONCE] for start in range(0, len(questions), AT_ONCE))
        return [reply for batch in batches for reply in self._answers(frame, batch)]

    def close(self) -> None:
        """Close the connections. No question may follow."""
        self._caller.close()

    def _answers(self, frame: Frame, questions: Sequence[str]) -> list[ExpertReply]:
        health, server = self._ensure_health(), self._caller.address.display
        signals = LEARNT_FROM if health.distillation else ()
        ask = json.dumps({"questions": list(questions), "signals": signals})
        response = self._caller.post(
            _ANSWERS,
            calls=len(questions),
            files={"frame": ("frame.jpg", frame.jpeg, "image/jpeg")},
            data={"ask": ask},
        )
        model, replies = unpack(response.content)
        if model != health.model:
            self._health = None
            raise ExpertError(f"The expert at {server} was exchanged on its way. Ask again.")
        if len(replies) != len(questions):
            raise ExpertError(
                f"The expert at {server} gave {len(replies)} answers to {len(questions)} "
                "questions. Are both sides of the same version?"
            )
        return [item.reply for item in replies]

    def _ensure_health(self) -> _Health:
        if self._health is None:
            self._health = self._fetch_health()
        return self._health

    def _fetch_health(self) -> _Health:
        stranger = ExpertError(
            f"What answers at {self._caller.address.display} is not a Roomwise expert. "
            "An OpenAI-compatible server's address ends in /v1."
        )
        try:
            return _Health.model_validate_json(self._caller.get(_HEALTH).content)
        except pydantic.ValidationError as error:
            raise stranger from error
        except CallError as error:
            if error.elsewhere:
                raise stranger from error
            raise
