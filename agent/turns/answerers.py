"""Who can answer in a session, and what a room is to it. Only `agent.loop.rooms` changes them."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from agent.recording.visit import VisitTurn
from agent.takeover.takeover import TakeOver
from agent.turns.others import OtherRooms
from agent.turns.view import Views
from core.config import Config
from core.errors import ExpertError
from core.ports import Expert
from core.types import Answer, Cost, ExpertReply, Frame
from memory.store import Memory
from models.lora import AdapterSlot
from models.vlm import VisionLanguageModel


@dataclass
class Answerers:
    """The student, the expert, memory and other rooms. `home` names the adapter under the room's, "" for
    none.
    """

    session: str
    student: VisionLanguageModel
    expert: Expert | None
    memory: Memory
    config: Config
    home: str = ""
    others: OtherRooms | None = None

    def __post_init__(self) -> None:
        self.slot = AdapterSlot(self.student)
        self.views = Views(self.student)


@dataclass
class Room:
    """A room: its `adapter` by name ("" for none), ids of the pairs it was `taught`, and its calibration."""

    name: str
    adapter: str = ""
    taught: Collection[str] = ()
    takeover: TakeOver = field(default_factory=TakeOver)


RoomOf = Callable[[int], str]
"""The room that a turn was asked in, which may not be the current one."""


class RecordedExpert:
    """The expert's answers in a recording: text alone, with confidence 1 and no teacher signal."""

    name = "recorded"
    teaches = True
    cost = Cost()

    def __init__(self, turns: Sequence[VisitTurn]) -> None:
        self._turns = turns

    def ask(self, frame: Frame, question: str, turn: int) -> ExpertReply:
        """The recorded answer. Raises ExpertError for a turn that has none."""
        answer = ""
        if 0 < turn <= len(self._turns):
            answer = self._turns[turn - 1].told or self._turns[turn - 1].answer
        if not answer:
            raise ExpertError(
                f"The session has no recorded answer to question {turn}. "
                "Replay it with a model as the expert: --expert builtin-expert."
            )
        return ExpertReply(Answer(answer, (), (), 1.0))

    def ask_more(self, frame: Frame, questions: Sequence[str]) -> list[ExpertReply]:
        """Nothing: a recording holds no other answers."""
        return []
