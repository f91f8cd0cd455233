"""An expert that `roomwise expert serve` serves on another machine: answers, and how it came to them."""

import json
from collections.abc import Sequence
from typing import Annotated, Literal

import pydantic

from core.errors import ExpertError
from core.text import strip_controls
from core.types import Cost, Frame, Told
from models.remote.call import Caller
from models.remote.failure import CallError
from models.remote.wire import LEARNT_FROM, unpack

AT_ONCE = 10
"""Questions in a request; the server lets no others in between."""
_HEALTH, _ANSWERS = "/healthz", "/v1/answers"


_Name = Annotated[
    str,
    pydantic.Field(max_length=200),
    pydantic.AfterValidator(strip_controls),
    pydantic.Field(min_length=1),
]


class _Health(pydantic.BaseModel):
    """What the server says of itself; what is of no use here is not looked at."""

    model_config = pydantic.ConfigDict(extra="ignore", strict=True)

    service: Literal["roomwise-expert"]
    model: _Name
    distillation: bool


class RoomwiseExpert:
    """A Roomwise expert behind an address. What it is, it is asked before its first question."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._health: _Health | None = None

    @property
    def name(self) -> str:
        """The model's name; until the server has told it, the address."""
        return self._health.model if self._health else self._caller.address.shown

    @property
    def teaches(self) -> bool:
        """Whether the server permits it; False until the server has told."""
        return self._health is not None and self._health.distillation

    @property
    def cost(self) -> Cost:
        """See the protocol."""
        return Cost(self._caller.budget.calls, self._caller.budget.bytes)

    def ask(self, frame: Frame, question: str, turn: int) -> Told:
        """See the protocol."""
        return self._answers(frame, [question])[0]

    def ask_more(self, frame: Frame, questions: Sequence[str]) -> list[Told]:
        """See the protocol; a few questions travel with the frame at a time. None where nothing may be
        learnt from the answers. Raises ExpertError.
        """
        if not questions or not self._known().distillation:
            return []
        portions = (questions[start : start + AT_ONCE] for start in range(0, len(questions), AT_ONCE))
        return [told for portion in portions for told in self._answers(frame, portion)]

    def close(self) -> None:
        """Let go of the connections. No question may follow."""
        self._caller.close()

    def _answers(self, frame: Frame, questions: Sequence[str]) -> list[Told]:
        health = self._known()
        signals = LEARNT_FROM if health.distillation else ()
        ask = json.dumps({"questions": list(questions), "signals": signals})
        reply = self._caller.post(
            _ANSWERS,
            calls=len(questions),
            files={"frame": ("frame.jpg", frame.jpeg, "image/jpeg")},
            data={"ask": ask},
        )
        model, said = unpack(reply.content)
        if model != health.model:
            self._health = None
            raise ExpertError(
                f"The expert at {self._caller.address.shown} was exchanged on its way. Ask again."
            )
        if len(said) != len(questions):
            raise ExpertError(
                f"The expert at {self._caller.address.shown} gave {len(said)} answers to {len(questions)} "
                "questions. Are both sides of the same version?"
            )
        return [one.told for one in said]

    def _known(self) -> _Health:
        if self._health is None:
            self._health = self._told()
        return self._health

    def _told(self) -> _Health:
        stranger = ExpertError(
            f"What answers at {self._caller.address.shown} is not a Roomwise expert. "
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
