"""Questions the expert could not be asked: they wait in the session's log and are asked when it is back."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator

from agent.turns.answerers import Answerers, RoomOf
from agent.turns.remembering import pair_id, remember, usable
from agent.turns.turn import Inquiry
from core.errors import ExpertError, UnusableAnswerError
from core.events import Asked, Failed, ToldLate
from core.ports import Say
from core.types import ExpertReply


class Late:
    """Asks the waiting questions in order."""

    def __init__(
        self,
        answerers: Answerers,
        room_of: RoomOf,
        waiting: Iterable[Asked],
        inquiry_of: Callable[[Asked], Inquiry],
        say: Say,
    ) -> None:
        self._answerers, self._room_of, self._inquiry_of = answerers, room_of, inquiry_of
        self._say, self._waiting = say, deque(waiting)

    def __len__(self) -> int:
        return len(self._waiting)

    def wait(self, asked: Asked) -> None:
        """Keep a question that the expert could not be asked."""
        self._waiting.append(asked)

    def run(self) -> Iterator[int]:
        """Ask everything that waits, until the expert is unreachable again; the turns it answered."""
        expert = self._answerers.expert
        while self._waiting and expert is not None:
            inquiry = self._inquiry_of(self._waiting[0])
            try:
                reply = usable(expert.ask(inquiry.frame, inquiry.question, inquiry.turn), expert.name)
            except UnusableAnswerError as error:
                # It waits in the log: whoever goes on with the session asks again.
                self._waiting.popleft()
                self._say(Failed, what="late question", error=str(error))
                continue
            except ExpertError:
                return
            pair = self._remember(inquiry, reply) if expert.teaches else ""
            self._waiting.popleft()
            answer = reply.answer
            self._say(ToldLate, turn=inquiry.turn, text=answer.text, confidence=answer.confidence, pair=pair)
            yield inquiry.turn

    def _remember(self, inquiry: Inquiry, reply: ExpertReply) -> str:
        id, room = pair_id(self._answerers.session, inquiry.turn), self._room_of(inquiry.turn)
        pair = remember(self._answerers, room, inquiry.frame, inquiry.question, reply, id)
        return "" if pair is None else pair.id
