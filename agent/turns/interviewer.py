"""Puts further questions to the expert between turns, and remembers what it says."""

import hashlib
from collections import deque
from collections.abc import Callable, Collection, Iterator

import numpy as np

from agent.turns.answerers import Answerers, RoomOf
from agent.turns.interview import further
from agent.turns.remembering import pair_id, remember
from agent.turns.things import Claim
from agent.turns.view import EncodedView
from core.errors import ExpertError
from core.events import Failed, Inquired
from core.frames import read_frame
from core.ports import Expert, Say
from core.signal import TeacherSignal
from core.types import ExpertReply, Frame, Pair
from memory.index import Cue

_TURN_DIGITS = 24
_AT_ONCE = 10


Portion = list[tuple[str, ExpertReply]]
"""Questions, each with what the expert said to it."""


def interviewed(
    expert: Expert, frame: Frame, heard: list[Claim], name: str, turn: int, most: int
) -> Iterator[Portion]:
    """Put up to `most` questions about a frame to an expert, a few at a time: what to ask next follows from
    what it said, which `heard` is told. Raises ExpertError.
    """
    calls = 0
    while calls < most:
        questions = further(heard, name, min(_AT_ONCE, most - calls), np.random.default_rng([turn, calls]))
        told = expert.ask_more(frame, questions) if questions else []
        if not told:
            return
        calls += len(questions)
        portion = list(zip(questions, told, strict=True))
        heard += [
            Claim(name, question, one.answer.text, sure_of(one.signal), "agent")
            for question, one in portion
            if one.answer.text
        ]
        yield portion


class Interviewer:
    """Asks about the frames of turns that the expert has answered, an equal part of what it may a turn.

    What it asks follows from memory alone: after a crash it goes on as if there had been none.
    """

    def __init__(
        self, answerers: Answerers, room_of: RoomOf, warm_up: int, waiting: Collection[int], say: Say
    ) -> None:
        self._answerers, self._room_of, self._say = answerers, room_of, say
        self._each = answerers.config.expert.extra // max(1, warm_up)
        self._waiting = deque(sorted(waiting))
        self._sure: dict[str, float] = {}
        self._gone = False
        self._newest: tuple[int, Frame] | None = None
        """The turn that came last, with its frame: others' are read from memory."""

    def wait(self, turn: int, frame: Frame | None = None) -> None:
        """There is more to ask about the frame of this turn, which saves reading it again."""
        self._waiting.append(turn)
        self._newest = (turn, frame) if frame else None

    def run(self, awaited: Callable[[], bool] = lambda: False) -> bool:
        """Ask about all turns that wait, until a person is `awaited`: then what is left comes later, and the
        result is False. That the expert is gone is an event, said once until it is back; what waits is tried
        again after a later turn.
        """
        while self._waiting:
            try:
                if not self._ask_about(self._waiting[0], awaited):
                    return False
            except ExpertError as error:
                if not self._gone:
                    self._say(Failed, what="further questions", error=str(error))
                self._gone = True
                return True
            self._gone = False
            self._waiting.popleft()
        return True

    def _ask_about(self, turn: int, awaited: Callable[[], bool]) -> bool:
        """Whether all was asked; what was not follows from memory when it is tried again."""
        answerers = self._answerers
        of_turn = pair_id(answerers.session, turn)
        known = answerers.memory.pairs(self._room_of(turn))
        about = next((pair for pair in known if pair.id == of_turn), None)
        if about is None or answerers.expert is None or not self._each:
            return True
        frame = self._frame(turn, about)
        heard = [self._heard(pair) for pair in known]
        # Some may have been asked before the expert was gone.
        pairs = {pair.id: pair.question for pair in known if came_after(pair, answerers.session, turn)}
        calls = len(pairs)
        for portion in interviewed(answerers.expert, frame, heard, about.frame, turn, self._each - calls):
            calls += len(portion)
            pairs |= self._remembered(turn, frame, portion)
            if calls < self._each and awaited():
                return False
        if calls:
            self._say(Inquired, turn=turn, calls=calls, pairs=pairs)
        return True

    def _frame(self, turn: int, about: Pair) -> Frame:
        if self._newest is not None and self._newest[0] == turn:
            return self._newest[1]
        return read_frame(self._answerers.memory.frame_path(about), self._answerers.config.images.max_pixels)

    def _remembered(self, turn: int, frame: Frame, portion: Portion) -> dict[str, str]:
        """Adds what was answered with words; the pairs' questions by their ids."""
        answerers, room, added = self._answerers, self._room_of(turn), {}
        cues = self._cues(frame, [question for question, _ in portion])
        for (question, told), cue in zip(portion, cues, strict=True):
            id = extra_id(answerers.session, turn, question)
            pair = remember(answerers, room, frame, question, told, id, cue, "agent")
            if pair is not None:
                added[pair.id] = question
        return added

    def _cues(self, frame: Frame, questions: list[str]) -> list[Cue]:
        embedder = self._answerers.memory.embedder
        if embedder is None or not questions:
            return [Cue()] * len(questions)
        view = EncodedView(self._answerers.student, frame.picture).cue(embedder, questions[0]).view
        return [Cue(text, view) for text in embedder.text(questions)]

    def _heard(self, pair: Pair) -> Claim:
        if pair.id not in self._sure:
            path = self._answerers.memory.signal_path(pair)
            self._sure[pair.id] = sure_of(None if path is None else path.read_bytes())
        return Claim(pair.frame, pair.question, pair.answer, self._sure[pair.id], pair.asker)


def extra_id(session: str, turn: int, question: str) -> str:
    """The id of what the agent asked after a turn: it begins as the turn's own pair does."""
    digest = hashlib.sha256(question.encode()).hexdigest()
    return pair_id(session, turn)[:_TURN_DIGITS] + digest[: 32 - _TURN_DIGITS]


def came_after(pair: Pair, session: str, turn: int) -> bool:
    """Whether the agent asked this after the turn."""
    return pair.asker == "agent" and pair.id.startswith(pair_id(session, turn)[:_TURN_DIGITS])


def sure_of(signal: bytes | None) -> float:
    """How likely an expert held a token of its answer; 1 where it ships no likelihoods.

    Told from the signal alone, which is kept: asked again after a crash, the same follows from it.
    """
    if signal is None:
        return 1.0
    likeliest = TeacherSignal.from_bytes(signal).top_logprobs[:, :1]
    return float(np.exp(likeliest.astype(np.float64).mean())) if likeliest.size else 1.0
