"""Puts further questions to the expert between turns, and remembers what it says."""

import hashlib
from collections import deque
from collections.abc import Collection

import numpy as np
from PIL.Image import Image

from agent.adaptations import Say
from agent.experts import Told
from agent.interview import Heard, further
from agent.look import Look
from agent.turn import Mind, pair_id
from core.errors import ExpertError
from core.events import Failed, Inquired
from core.signal import TeacherSignal
from core.types import Pair
from memory.frames import decode
from memory.index import Cue

_TURN_DIGITS = 24
_AT_ONCE = 10


class Interviewer:
    """Asks about the frames of turns that the expert has answered, an equal part of what it may a turn.

    What it asks follows from memory alone: after a crash it goes on as if there had been none.
    """

    def __init__(self, mind: Mind, warm_up: int, waiting: Collection[int], say: Say) -> None:
        self._mind, self._say = mind, say
        self._each = mind.config.expert.extra // max(1, warm_up)
        self._waiting = deque(sorted(waiting))
        self._sure: dict[str, float] = {}

    def wait(self, turn: int) -> None:
        """There is more to ask about the frame of this turn."""
        self._waiting.append(turn)

    def run(self) -> None:
        """Ask about all turns that wait. An expert that is gone is an event; its turn is not tried again."""
        while self._waiting:
            turn = self._waiting.popleft()
            try:
                self._ask_about(turn)
            except ExpertError as error:
                self._say(Failed, what="further questions", error=str(error))

    def _ask_about(self, turn: int) -> None:
        mind = self._mind
        of_turn = pair_id(mind.session, turn)
        about = next((pair for pair in mind.memory.pairs(mind.room) if pair.id == of_turn), None)
        if about is None or mind.expert is None or not self._each:
            return
        data = mind.memory.frame_path(about).read_bytes()
        picture = decode(data, max_pixels=mind.config.images.max_pixels)
        pairs: dict[str, str] = {}
        calls = 0
        while calls < self._each:
            questions = self._further(about.frame, turn, calls)
            told = mind.expert.ask_more(picture, questions) if questions else []
            if not told:
                break
            calls += len(questions)
            pairs |= self._remembered(turn, data, picture, questions, told)
        if calls:
            self._say(Inquired, turn=turn, calls=calls, pairs=pairs)

    def _further(self, frame: str, turn: int, calls: int) -> list[str]:
        """A few questions at a time, since what to ask next follows from what was answered."""
        heard = [self._heard(pair) for pair in self._mind.memory.pairs(self._mind.room)]
        count = min(_AT_ONCE, self._each - calls)
        return further(heard, frame, count, np.random.default_rng([turn, calls]))

    def _remembered(
        self, turn: int, data: bytes, picture: Image, questions: list[str], told: list[Told]
    ) -> dict[str, str]:
        """Adds what was answered with words; the pairs' questions by their ids."""
        mind, added = self._mind, {}
        name = mind.expert.name if mind.expert else ""
        cues = self._cues(picture, questions)
        for question, one, cue in zip(questions, told, cues, strict=True):
            if one.answer.text:
                pair = mind.memory.add(
                    mind.room, data, question, one.answer.text, "expert", name, one.signal,
                    id=extra_id(mind.session, turn, question), cue=cue, asker="agent",
                )  # fmt: skip
                added[pair.id] = question
        return added

    def _cues(self, picture: Image, questions: list[str]) -> list[Cue]:
        embedder = self._mind.memory.embedder
        if embedder is None or not questions:
            return [Cue()] * len(questions)
        view = Look(self._mind.student, picture).cue(embedder, questions[0]).view
        return [Cue(text, view) for text in embedder.text(questions)]

    def _heard(self, pair: Pair) -> Heard:
        if pair.id not in self._sure:
            self._sure[pair.id] = _confidence(self._mind, pair)
        return Heard(pair.frame, pair.question, pair.answer, self._sure[pair.id], pair.asker)


def extra_id(session: str, turn: int, question: str) -> str:
    """The id of what the agent asked after a turn: it begins as the turn's own pair does."""
    digest = hashlib.sha256(question.encode()).hexdigest()
    return pair_id(session, turn)[:_TURN_DIGITS] + digest[: 32 - _TURN_DIGITS]


def came_after(pair: Pair, session: str, turn: int) -> bool:
    """Whether the agent asked this after the turn."""
    return pair.asker == "agent" and pair.id.startswith(pair_id(session, turn)[:_TURN_DIGITS])


def _confidence(mind: Mind, pair: Pair) -> float:
    """How likely the expert held a token of its answer; 1 where it ships no likelihoods."""
    path = mind.memory.signal_path(pair)
    if path is None:
        return 1.0
    likeliest = TeacherSignal.from_bytes(path.read_bytes()).top_logprobs[:, :1]
    return float(np.exp(likeliest.astype(np.float64).mean())) if likeliest.size else 1.0
