"""Asks the expert further questions between turns and remembers its answers."""

import hashlib
from collections import deque
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace

import numpy as np

from agent.turns.answerers import Answerers, RoomOf
from agent.turns.interview import further_questions
from agent.turns.remembering import pair_id, remember, usable
from agent.turns.things import Claim
from core.errors import ExpertError, UnusableAnswerError
from core.events import Failed, Inquired
from core.frames import read_frame
from core.ports import Expert, Say
from core.signal import TeacherSignal
from core.types import ExpertReply, Frame, Pair
from memory.index import Cue

_TURN_DIGITS = 24
_AT_ONCE = 10

Replies = list[tuple[str, ExpertReply]]
"""Questions with the expert's replies."""


def interview_expert(
    expert: Expert, frame: Frame, claims: list[Claim], frame_name: str, turn: int, limit: int
) -> Iterator[Replies]:
    """Ask up to `limit` questions about a frame, a few at a time; replies join `claims`, which steer the
    next. Raises ExpertError.
    """
    calls = 0
    while calls < limit:
        questions = further_questions(
            claims, frame_name, min(_AT_ONCE, limit - calls), np.random.default_rng([turn, calls])
        )
        if not questions:
            return
        replies = [_usable(reply, expert.name) for reply in expert.ask_more(frame, questions)]
        if not replies:
            return
        calls += len(questions)
        batch = list(zip(questions, replies, strict=True))
        claims += [
            Claim(frame_name, question, reply.answer.text, token_confidence(reply.signal), "agent")
            for question, reply in batch
            if reply.answer.text
        ]
        yield batch


def _usable(reply: ExpertReply, expert: str) -> ExpertReply:
    """The reply, without words where they are none that can be kept."""
    try:
        return usable(reply, expert)
    except UnusableAnswerError:
        return replace(reply, answer=replace(reply.answer, text=""))


class Interviewer:
    """Asks about the frames of turns that the expert answered, an equal share of the extra questions each. It
    works from memory alone, so it continues after a crash as if there had been none.
    """

    def __init__(
        self, answerers: Answerers, room_of: RoomOf, warm_up: int, waiting: Collection[int], say: Say
    ) -> None:
        self._answerers, self._room_of, self._say = answerers, room_of, say
        self._each = answerers.config.expert.extra // max(1, warm_up)
        self._waiting = deque(sorted(waiting))
        self._confidences: dict[str, float] = {}
        self._gone = False
        self._newest: tuple[int, Frame] | None = None
        """The latest turn with its frame; other frames are read from memory."""

    def wait(self, turn: int, frame: Frame | None = None) -> None:
        """Ask about this turn later; passing its frame saves reading it again."""
        self._waiting.append(turn)
        self._newest = (turn, frame) if frame else None

    def run(self, awaited: Callable[[], bool] = lambda: False) -> bool:
        """Ask about all waiting turns; False when stopped because a person is `awaited`. An unreachable
        expert is reported once until it is back; waiting turns are retried after a later turn.
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
        """Whether all questions were asked; those left follow from memory on the next try."""
        answerers = self._answerers
        id = pair_id(answerers.session, turn)
        room_pairs = answerers.memory.pairs(self._room_of(turn))
        turn_pair = next((pair for pair in room_pairs if pair.id == id), None)
        if turn_pair is None or answerers.expert is None or not self._each:
            return True
        frame = self._frame(turn, turn_pair)
        claims = [self._claim_of(pair) for pair in room_pairs]
        # Some may have been asked before the expert was gone.
        extras = {pair.id: pair.question for pair in room_pairs if came_after(pair, answerers.session, turn)}
        calls = len(extras)
        for batch in interview_expert(
            answerers.expert, frame, claims, turn_pair.frame, turn, self._each - calls
        ):
            calls += len(batch)
            extras |= self._remember(turn, frame, batch)
            if calls < self._each and awaited():
                return False
        if calls:
            self._say(Inquired, turn=turn, calls=calls, pairs=extras)
        return True

    def _frame(self, turn: int, pair: Pair) -> Frame:
        if self._newest is not None and self._newest[0] == turn:
            return self._newest[1]
        return read_frame(self._answerers.memory.frame_path(pair), self._answerers.config.images.max_pixels)

    def _remember(self, turn: int, frame: Frame, batch: Replies) -> dict[str, str]:
        """Remember the answered questions; returns the questions by pair id."""
        answerers, room, added = self._answerers, self._room_of(turn), {}
        cues = self._cues(frame, [question for question, _ in batch])
        for (question, reply), cue in zip(batch, cues, strict=True):
            id = extra_pair_id(answerers.session, turn, question)
            pair = remember(answerers, room, frame, question, reply, id, cue, "agent")
            if pair is not None:
                added[pair.id] = question
        return added

    def _cues(self, frame: Frame, questions: list[str]) -> list[Cue]:
        embedder = self._answerers.memory.embedder
        if embedder is None or not questions:
            return [Cue()] * len(questions)
        view = self._answerers.views.of(frame).cue(embedder, questions[0]).view
        return [Cue(text, view) for text in embedder.text(questions)]

    def _claim_of(self, pair: Pair) -> Claim:
        if pair.id not in self._confidences:
            path = self._answerers.memory.signal_path(pair)
            self._confidences[pair.id] = token_confidence(None if path is None else path.read_bytes())
        return Claim(pair.frame, pair.question, pair.answer, self._confidences[pair.id], pair.asker)


def extra_pair_id(session: str, turn: int, question: str) -> str:
    """The id of a pair that the agent asked for; it starts like the turn's own pair id."""
    digest = hashlib.sha256(question.encode()).hexdigest()
    return pair_id(session, turn)[:_TURN_DIGITS] + digest[: 32 - _TURN_DIGITS]


def came_after(pair: Pair, session: str, turn: int) -> bool:
    """Whether the agent asked for this pair after that turn."""
    return pair.asker == "agent" and pair.id.startswith(pair_id(session, turn)[:_TURN_DIGITS])


def token_confidence(signal: bytes | None) -> float:
    """The geometric mean of the answer's token probabilities; 1 without likelihoods. It depends only on the
    stored signal, so it is the same after a crash.
    """
    if signal is None:
        return 1.0
    likeliest = TeacherSignal.from_bytes(signal).top_logprobs[:, :1]
    return float(np.exp(likeliest.astype(np.float64).mean())) if likeliest.size else 1.0
