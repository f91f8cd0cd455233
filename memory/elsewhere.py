"""Answer from pairs of all visited rooms, learning from these rooms which pairs bear on a question.

Each visited room is its own test: half of its answers are revealed, and the others must be predicted from
these and from other rooms. So nothing is shipped, and nobody labels anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from memory.bearing import Bearing, Moment, room_answers
from memory.table import Numbers, VectorTable
from memory.votes import STEPS, Ballot, Votes, fit

LEAST_ROOMS = 4
"""Rooms needed to learn from."""
_PAIRS = 4096
"""Pairs of other rooms that vote at most, those with the most similar questions."""
_EXAMINED = 8
"""Questions in a step."""


@dataclass(frozen=True)
class Guess:
    """An answer, in the words most often used for it, and its share of the votes in [0, 1]."""

    text: str
    share: float


def guess(votes: Votes, table: VectorTable, question: int) -> Guess | None:
    """The answer of all rooms to the question of this line; None when nothing was ever answered.

    Of its own room only earlier lines count.
    """
    lines = np.arange(len(table.lines))
    here = table.room == table.room[question]
    before, is_answered = here & (lines < question), table.answer >= 0
    moment = _moment(table, question, lines[is_answered & ~here], lines[is_answered & before], lines[before])
    if not len(moment.pairs):
        return None
    ballot = Ballot(Bearing(table, room_answers(table)).features(moment), table.answer[moment.pairs])
    shares = votes.shares(ballot, len(table.answers))
    best = int(shares.argmax())
    return Guess(table.answers[best], float(shares[best]))


def learn(table: VectorTable, seed: int, steps: int | None = None) -> Votes | None:
    """Learn the votes from the answered lines of a table; None when there are too few rooms."""
    exam = _Exam(table, seed)
    return fit(exam.draw, seed, steps or STEPS) if len(exam.rooms) >= LEAST_ROOMS else None


class _Exam:
    """Draws questions with known answers, as if their room were being visited."""

    def __init__(self, table: VectorTable, seed: int) -> None:
        self._table, self._seed = table, seed
        self._answered = np.flatnonzero(table.answer >= 0)
        rooms, counts = np.unique(table.room[self._answered], return_counts=True)
        self.rooms: Sequence[int] = [int(room) for room in rooms[counts > 1]]
        self._bearing = Bearing(table, room_answers(table))

    def draw(self, step: int) -> list[Ballot]:
        """A question each of some rooms; more for step 0, which scales the features."""
        random = np.random.default_rng([self._seed, step])
        count = _EXAMINED * (8 if step == 0 else 1)
        rooms = random.choice(self.rooms, count)
        ballots = (self._draw_question(int(room), random) for room in rooms)
        return [ballot for ballot in ballots if ballot is not None]

    def _draw_question(self, room: int, random: np.random.Generator) -> Ballot | None:
        table, lines = self._table, self._answered
        room_lines = random.permutation(lines[table.room[lines] == room])
        revealed = room_lines[: (len(room_lines) + 1) // 2]
        question = int(random.choice(room_lines[len(revealed) :]))
        asked = room_lines[: 1 + int(np.flatnonzero(room_lines == question)[0])][:-1]
        moment = _moment(table, question, lines[table.room[lines] != room], revealed, asked)
        right = int(table.answer[question])
        answers = table.answer[moment.pairs]
        return Ballot(self._bearing.features(moment), answers, right) if (answers == right).any() else None


def _moment(table: VectorTable, question: int, earlier: Numbers, answered: Numbers, asked: Numbers) -> Moment:
    if len(earlier) > _PAIRS:
        alike = table.text[earlier] @ table.text[question]
        earlier = np.sort(earlier[np.argpartition(-alike, _PAIRS)[:_PAIRS]])
    return Moment(question, earlier, answered, asked)
