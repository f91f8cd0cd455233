"""Questions that could not be put to the expert: they wait in the session's log, and are put when it is back.

The person was answered by the student meanwhile. What the expert says then is remembered and learnt as if it
had been said in time. Nothing blocks: who is still away is asked again after a later turn.
"""

from collections import deque
from collections.abc import Callable, Iterable

from agent.turns.answerers import Answerers, RoomOf
from agent.turns.remembering import pair_id, remember
from agent.turns.turn import Inquiry
from core.errors import ExpertError
from core.events import Asked, ToldLate
from core.ports import Say
from core.types import ExpertReply


class Late:
    """Puts what waits, first come first served. `told` hears the turn that was answered late."""

    def __init__(
        self,
        answerers: Answerers,
        room_of: RoomOf,
        waiting: Iterable[Asked],
        inquiry_of: Callable[[Asked], Inquiry],
        say: Say,
        told: Callable[[int], None],
    ) -> None:
        self._answerers, self._room_of, self._inquiry_of = answerers, room_of, inquiry_of
        self._say, self._told = say, told
        self._waiting = deque(waiting)

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def wait(self, asked: Asked) -> None:
        """The expert could not be asked this."""
        self._waiting.append(asked)

    def run(self) -> None:
        """Put everything that waits, until the expert is gone again or none is left."""
        expert = self._answerers.expert
        while self._waiting and expert is not None:
            inquiry = self._inquiry_of(self._waiting[0])
            try:
                told = expert.ask(inquiry.frame, inquiry.question, inquiry.turn)
            except ExpertError:
                return
            self._waiting.popleft()
            pair = self._remembered(inquiry, told) if expert.teaches else ""
            answer = told.answer
            self._say(ToldLate, turn=inquiry.turn, text=answer.text, confidence=answer.confidence, pair=pair)
            self._told(inquiry.turn)

    def _remembered(self, inquiry: Inquiry, told: ExpertReply) -> str:
        id, room = pair_id(self._answerers.session, inquiry.turn), self._room_of(inquiry.turn)
        pair = remember(self._answerers, room, inquiry.frame, inquiry.question, told, id)
        return "" if pair is None else pair.id
