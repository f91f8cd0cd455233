"""Who can answer in a session, and what a room is to it. Both are written by `agent.loop.rooms` alone."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from agent.takeover.takeover import TakeOver
from agent.turns.others import OtherRooms
from core.config import Config
from core.ports import Expert
from memory.store import Memory
from models.lora import AdapterSlot
from models.vlm import VisionLanguageModel


@dataclass
class Answerers:
    """The student with the adapter it holds, the expert, memory, and what other rooms say.

    `home` names the adapter that the student rests on, "" for the student as it was loaded.
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


@dataclass
class Room:
    """One room: its `adapter` by name, "" for none, the ids of the pairs that was `taught`, and the
    calibration of the student's confidence there. Its pairs are memory's, under its name.
    """

    name: str
    adapter: str = ""
    taught: Collection[str] = ()
    takeover: TakeOver = field(default_factory=TakeOver)


RoomOf = Callable[[int], str]
"""The room that a turn was asked in: what comes of it belongs there, wherever one is by then."""
