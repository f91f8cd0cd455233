"""Questions that could not be put to the expert: they wait in the session's log, and are put when it is back.

The person was answered by the student meanwhile. What the expert says then is remembered and learnt as if it
had been said in time. Nothing blocks: who is still away is asked again after a later turn.
"""

from collections import deque
from collections.abc import Callable, Iterable

from agent.turns.look import Look
from agent.turns.turn import Inquiry, Mind, pair_id
from core.errors import ExpertError
from core.events import Asked, ToldLate
from core.ports import Say
from core.types import Told
from memory.index import Cue


class Late:
    """Puts what waits, first come first served. `told` hears the turn that was answered late."""

    def __init__(
        self,
        mind: Mind,
        waiting: Iterable[Asked],
        inquiry_of: Callable[[Asked], Inquiry],
        say: Say,
        told: Callable[[int], None],
    ) -> None:
        self._mind, self._inquiry_of, self._say, self._told = mind, inquiry_of, say, told
        self._waiting = deque(waiting)

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def wait(self, asked: Asked) -> None:
        """The expert could not be asked this."""
        self._waiting.append(asked)

    def run(self) -> None:
        """Put everything that waits, until the expert is gone again or none is left."""
        expert = self._mind.expert
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

    def _remembered(self, inquiry: Inquiry, told: Told) -> str:
        mind = self._mind
        if not told.answer.text or mind.expert is None:
            return ""
        embedder = mind.memory.embedder
        cue = Look(mind.student, inquiry.frame.picture).cue(embedder, inquiry.question) if embedder else Cue()
        pair = mind.memory.add(
            mind.room_of(inquiry.turn), inquiry.frame, inquiry.question, told.answer.text, "expert",
            mind.expert.name, told.signal, id=pair_id(mind.session, inquiry.turn), cue=cue,
        )  # fmt: skip
        return pair.id
