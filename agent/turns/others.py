"""Whether to trust what other rooms say over the student, judged by how both did before.

On some devices the student sees well and other rooms guess poorly; on others it is the reverse. Both are
audited on questions that the expert has answered, in rooms that the votes did not learn from; a logistic
curve (Platt 1999) turns each one's confidence into a probability of being right.
"""

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import StorageError
from core.files import atomic_write_text
from core.scoring import exact_match
from core.types import Answer, Pair
from core.untrusted import read_as
from memory.elsewhere import Guess, guess, learn
from memory.index import Cue
from memory.shelf import Shelf, learn_votes, shelf, votes_of
from memory.store import Memory
from memory.table import Line
from memory.votes import Votes

AUDITS = "audits.json"
ENOUGH = 30
"""Audits needed before other rooms are believed."""
_MOST_AUDITS, _EVERY_ROOM = 100, 5
_FLOOR = 1e-4
_PRIOR = 0.1  # of each coefficient's square: few audits tell little

Says = Callable[[Pair], Answer]


@dataclass(frozen=True)
class Audit:
    """A question that both answered: the student's confidence and correctness, then the other rooms'."""

    confidence: float
    right: bool
    share: float
    agreed: bool


@dataclass(frozen=True)
class ReliabilityCurve:
    """How likely an answer is right at a confidence: sigmoid(offset + slope * logit(confidence))."""

    offset: float
    slope: float

    def at(self, confidence: float) -> float:
        return 1 / (1 + math.exp(-(self.offset + self.slope * _logit(confidence))))


def fit_curve(confidences: Sequence[float], right: Sequence[bool]) -> ReliabilityCurve:
    """The likeliest curve by ten Newton steps; 1/2 everywhere without answers."""
    x = np.array([[1.0, _logit(value)] for value in confidences]).reshape(-1, 2)
    y, w = np.array(right, np.float64), np.zeros(2)
    for _ in range(10):
        p: NDArray[np.float64] = 1 / (1 + np.exp(-np.clip(x @ w, -30, 30)))
        hessian = (x * (p * (1 - p))[:, None]).T @ x + _PRIOR * np.eye(2)
        w -= np.linalg.solve(hessian, x.T @ (p - y) + _PRIOR * w)
    return ReliabilityCurve(float(w[0]), max(0.0, float(w[1])))


@dataclass
class OtherRooms:
    """What the pairs of all rooms say in one session; made by `other_rooms`."""

    memory: Memory
    votes: Votes
    student: ReliabilityCurve
    rooms: ReliabilityCurve
    _asked: list[tuple[Line, Cue]] = field(default_factory=list)
    _shelf: tuple[int, Shelf | None] = (-1, None)

    def better(self, answer: Answer, line: Line, cue: Cue) -> tuple[str, float] | None:
        """An answer more likely right than the student's, with its probability; None if the student's stands.
        The question is kept too, since it hints at what is in the room.
        """
        guessed = self._guess(line, cue)
        self._asked.append((line, cue))
        if guessed is None:
            return None
        probability = self.rooms.at(guessed.share)
        return (guessed.text, probability) if probability > self.student.at(answer.confidence) else None

    def _guess(self, line: Line, cue: Cue) -> Guess | None:
        count = sum(self.memory.rooms().values())
        if self._shelf[0] != count:
            self._shelf = (count, shelf(self.memory))
        current = self._shelf[1]
        if current is None or cue.text is None or cue.view is None:
            return None
        table = current.table([*self._asked, (line, cue)])
        return guess(self.votes, table, len(table.lines) - 1)


def other_rooms(memory: Memory) -> OtherRooms | None:
    """None until enough was learnt and audited. Raises StorageError."""
    votes, audits = votes_of(memory), read_audits(memory.folder / AUDITS)
    if votes is None or len(audits) < ENOUGH:
        return None
    student = fit_curve([audit.confidence for audit in audits], [audit.right for audit in audits])
    rooms = fit_curve([audit.share for audit in audits], [audit.agreed for audit in audits])
    return OtherRooms(memory, votes, student, rooms)


def learn_from_rooms(memory: Memory, says: Says, seed: int) -> None:
    """Learn which pairs bear on what, audit that and the student, and store both beside the pairs. Every
    fifth room is audited, by votes that did not learn from it. Raises StorageError.
    """
    pairs = memory.pairs()
    judging = set(list(dict.fromkeys(pair.room for pair in pairs))[_EVERY_ROOM - 1 :: _EVERY_ROOM])
    others = shelf(memory, {pair.id for pair in pairs if pair.room in judging})
    votes = None if others is None else learn(others.table(), seed)
    audits = [] if votes is None else list(_audit(memory, votes, says, judging, seed))
    if learn_votes(memory, seed) is not None:
        text = json.dumps([asdict(audit) for audit in audits])
        atomic_write_text(memory.folder / AUDITS, text + "\n")


def read_audits(path: Path) -> list[Audit]:
    """The stored audits; none without a file. Raises StorageError when it is damaged."""
    if not path.is_file():
        return []
    audits: list[Audit] = read_as(path, list[Audit], StorageError, "Delete it; it is made again.")
    return audits


def _audit(memory: Memory, votes: Votes, says: Says, rooms: set[str], seed: int) -> Iterable[Audit]:
    current = shelf(memory)
    if current is None:
        return
    table = current.table()
    row_of = {pair.id: number for number, pair in enumerate(current.pairs)}
    candidates = [pair for pair in current.pairs if pair.room in rooms and pair.asker == "person"]
    chosen = np.random.default_rng(seed).permutation(len(candidates))[:_MOST_AUDITS]
    for pair in (candidates[number] for number in chosen):
        guessed, answer = guess(votes, table, row_of[pair.id]), says(pair)
        if guessed is not None:
            right, agreed = exact_match(answer.text, pair.answer), exact_match(guessed.text, pair.answer)
            yield Audit(answer.confidence, right, guessed.share, agreed)


def _logit(confidence: float) -> float:
    bounded = min(max(confidence, _FLOOR), 1 - _FLOOR)
    return math.log(bounded / (1 - bounded))
