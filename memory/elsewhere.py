"""Answers from all the rooms that were visited: which pairs bear on a question is learnt from those rooms.

A room that was visited is its own examination: half of its answers are taken as known, and the others must
be found in the other rooms and in that half. So nothing is shipped and nobody labels anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from memory.bearing import Bearing, Moment, rooms_of
from memory.table import Numbers, VectorTable
from memory.votes import STEPS, Ballot, Votes, fit

LEAST_ROOMS = 4
"""With fewer there is nothing to tell what bears on what."""
_PAIRS = 4096
"""At most so many pairs of other rooms vote, those with the questions most alike."""
_EXAMINED = 8
"""Questions a step that are examined."""


@dataclass(frozen=True)
class Guess:
    """An answer, in the words most often used for it, and its share of the votes in [0, 1]."""

    text: str
    share: float


def guess(votes: Votes, table: VectorTable, question: int) -> Guess | None:
    """What all rooms say to the question of this line; None when nothing was ever answered.

    Its room's lines before it are what was asked there so far; those after it do not count.
    """
    lines = np.arange(len(table.lines))
    own = table.room == table.room[question]
    before, known = own & (lines < question), table.answer >= 0
    moment = _moment(table, question, lines[known & ~own], lines[known & before], lines[before])
    if not len(moment.pairs):
        return None
    ballot = Ballot(Bearing(table, rooms_of(table)).of(moment), table.answer[moment.pairs])
    shares = votes.shares(ballot, len(table.answers))
    best = int(shares.argmax())
    return Guess(table.answers[best], float(shares[best]))


def learn(table: VectorTable, seed: int, steps: int | None = None) -> Votes | None:
    """Learn what bears on what from the answered lines of a table; None when there are too few rooms."""
    exam = _Exam(table, seed)
    return fit(exam.draw, seed, steps or STEPS) if len(exam.rooms) >= LEAST_ROOMS else None


class _Exam:
    """Draws questions whose answers are known, as if their room were being visited."""

    def __init__(self, table: VectorTable, seed: int) -> None:
        self._table, self._seed = table, seed
        self._answered = np.flatnonzero(table.answer >= 0)
        rooms, counts = np.unique(table.room[self._answered], return_counts=True)
        self.rooms: Sequence[int] = [int(room) for room in rooms[counts > 1]]
        self._bearing = Bearing(table, rooms_of(table))

    def draw(self, step: int) -> list[Ballot]:
        """Of some rooms one question each; the first draw, by which features are scaled, is larger."""
        random = np.random.default_rng([self._seed, step])
        count = _EXAMINED * (8 if step == 0 else 1)
        chosen = random.choice(self.rooms, count)
        drawn = (self._drawn(int(room), random) for room in chosen)
        return [ballot for ballot in drawn if ballot is not None]

    def _drawn(self, room: int, random: np.random.Generator) -> Ballot | None:
        table, lines = self._table, self._answered
        inside = random.permutation(lines[table.room[lines] == room])
        known = inside[: (len(inside) + 1) // 2]
        question = int(random.choice(inside[len(known) :]))
        asked = inside[: 1 + int(np.flatnonzero(inside == question)[0])][:-1]
        moment = _moment(table, question, lines[table.room[lines] != room], known, asked)
        right = int(table.answer[question])
        answers = table.answer[moment.pairs]
        return Ballot(self._bearing.of(moment), answers, right) if (answers == right).any() else None


def _moment(table: VectorTable, question: int, earlier: Numbers, answered: Numbers, asked: Numbers) -> Moment:
    if len(earlier) > _PAIRS:
        alike = table.text[earlier] @ table.text[question]
        earlier = np.sort(earlier[np.argpartition(-alike, _PAIRS)[:_PAIRS]])
    return Moment(question, earlier, answered, asked)
