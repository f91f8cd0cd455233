"""Whether what all rooms say is worth more than what the student says: decided by how both did before.

On some devices the student sees well and pairs of other rooms are a poor guess; on others it is the other way
round. So both were asked questions whose answers the expert had given, in rooms that the votes had not learnt
from; from those audits a logistic curve (Platt 1999) tells how likely each is right, by its own confidence.
"""

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pydantic
from numpy.typing import NDArray

from core.errors import StorageError
from core.files import atomic_write_text, storage_errors
from core.scoring import exact_match
from core.types import Answer, Pair
from memory.elsewhere import Guess, guess, learn
from memory.index import Cue
from memory.shelf import Shelf, learn_votes, shelf, votes_of
from memory.store import Memory
from memory.table import Line
from memory.votes import Votes

AUDITS = "audits.json"
"""Beside the pairs."""
ENOUGH = 30
"""Audits before anything but the student is believed."""
_MOST, _EVERY = 100, 5
_FLOOR = 1e-4
_PRIOR = 0.1  # of each coefficient's square: few audits tell little

Says = Callable[[Pair], Answer]


@dataclass(frozen=True)
class Audit:
    """A question that both answered: how sure each was, in [0, 1], and whether it said what the expert
    did.
    """

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
        """The probability, in [0, 1]."""
        return 1 / (1 + math.exp(-(self.offset + self.slope * _logit(confidence))))


def fitted(confidences: Sequence[float], right: Sequence[bool]) -> ReliabilityCurve:
    """The likeliest curve, by ten Newton steps; without any answers one of 1/2 everywhere."""
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
    _held: tuple[int, Shelf | None] = (-1, None)

    def better(self, said: Answer, line: Line, cue: Cue) -> tuple[str, float] | None:
        """An answer more likely right than the student's, and how likely; None where the student's stands.

        The question is remembered as asked, for it tells what is in the room.
        """
        found = self._guessed(line, cue)
        self._asked.append((line, cue))
        if found is None:
            return None
        probability = self.rooms.at(found.share)
        return (found.text, probability) if probability > self.student.at(said.confidence) else None

    def _guessed(self, line: Line, cue: Cue) -> Guess | None:
        count = sum(self.memory.rooms().values())
        if self._held[0] != count:
            self._held = (count, shelf(self.memory))
        held = self._held[1]
        if held is None or cue.text is None or cue.view is None:
            return None
        table = held.table([*self._asked, (line, cue)])
        return guess(self.votes, table, len(table.lines) - 1)


def other_rooms(memory: Memory) -> OtherRooms | None:
    """For a session; None until enough was learnt and audited. Raises StorageError."""
    votes, audits = votes_of(memory), read_audits(memory.folder / AUDITS)
    if votes is None or len(audits) < ENOUGH:
        return None
    student = fitted([one.confidence for one in audits], [one.right for one in audits])
    rooms = fitted([one.share for one in audits], [one.agreed for one in audits])
    return OtherRooms(memory, votes, student, rooms)


def learn_from_rooms(memory: Memory, says: Says, seed: int) -> None:
    """Learn which pairs bear on what, and audit that and the student; both are kept beside the pairs.

    Every fifth room is audited, by votes that did not learn from it. Raises StorageError.
    """
    pairs = memory.pairs()
    judging = set(list(dict.fromkeys(pair.room for pair in pairs))[_EVERY - 1 :: _EVERY])
    others = shelf(memory, {pair.id for pair in pairs if pair.room in judging})
    votes = None if others is None else learn(others.table(), seed)
    audits = [] if votes is None else list(_audited(memory, votes, says, judging, seed))
    if learn_votes(memory, seed) is not None:
        text = json.dumps([asdict(one) for one in audits])
        atomic_write_text(memory.folder / AUDITS, text + "\n")


def read_audits(path: Path) -> list[Audit]:
    """Those that were kept, none where there is no file. Raises StorageError when it is damaged."""
    if not path.is_file():
        return []
    with storage_errors("read", path):
        data = path.read_bytes()
    try:
        return pydantic.TypeAdapter(list[Audit]).validate_json(data)
    except pydantic.ValidationError as error:
        raise StorageError(f"{path} is damaged. Delete it; it is made again.") from error


def _audited(memory: Memory, votes: Votes, says: Says, rooms: set[str], seed: int) -> Iterable[Audit]:
    held = shelf(memory)
    if held is None:
        return
    table = held.table()
    place = {pair.id: number for number, pair in enumerate(held.pairs)}
    asked = [pair for pair in held.pairs if pair.room in rooms and pair.asker == "person"]
    chosen = np.random.default_rng(seed).permutation(len(asked))[:_MOST]
    for pair in (asked[number] for number in chosen):
        found, said = guess(votes, table, place[pair.id]), says(pair)
        if found is not None:
            right, agreed = exact_match(said.text, pair.answer), exact_match(found.text, pair.answer)
            yield Audit(said.confidence, right, found.share, agreed)


def _logit(confidence: float) -> float:
    bounded = min(max(confidence, _FLOOR), 1 - _FLOOR)
    return math.log(bounded / (1 - bounded))
