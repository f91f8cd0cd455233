"""Features of how much an answered question of any room bears on another; pairs vote by them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memory.table import Flags, Numbers, VectorTable

Features = NDArray[np.float32]

FEATURES = (
    "question", "question_near", "words", "kind", "side", "about", "view", "frame", "same_room", "room",
    "named_here", "named", "named_view", "heard", "common",
)  # fmt: skip
"""In order: similarity of the questions, once more with near ones stretched, shared words; same kind, same
side, about the same; similarity of the views; same frame, same room, similarity of the rooms by what is in
them; and of the pair's answer: whether the question itself names it (then it is hardly the answer), how often
questions in this room, and about this view, named it, how often it was given in this room, and anywhere.
"""
_NEAR = 0.15
_OWN_ROOM = 0.3
"""Similarity of a room to itself; `same_room` tells it apart."""


@dataclass(frozen=True)
class Moment:
    """The state in which the question of line `question` is answered.

    `earlier`: answered lines of other rooms; `answered`: those of this room; `asked`: all lines of this room
    before, answered or not.
    """

    question: int
    earlier: Numbers
    answered: Numbers
    asked: Numbers

    @property
    def pairs(self) -> Numbers:
        """All lines that vote."""
        return np.concatenate([self.earlier, self.answered])


class Bearing:
    """Features of moments in a table. `rooms` bool [rooms, answers]: what is in each earlier room."""

    def __init__(self, table: VectorTable, rooms: Flags) -> None:
        self._table, self._rooms = table, rooms

    def features(self, moment: Moment) -> Features:
        """Float32 [pairs, features] of `moment.pairs`."""
        table, question, pairs = self._table, moment.question, moment.pairs
        here = table.room[pairs] == table.room[question]
        text = table.text[pairs] @ table.text[question]
        columns = [
            text, np.exp((text - 1) / _NEAR), table.words(question, pairs),
            *(row[pairs] == row[question] for row in (table.kind, table.side, table.about)),
            (table.view[pairs] @ table.view[question]) * ~here,
            table.frame[pairs] == table.frame[question], here,
            np.where(here, _OWN_ROOM, self._room_similarity(moment)[table.room[pairs]]),
            *self._answer_features(moment, table.answer[pairs]),
        ]  # fmt: skip
        return np.stack([np.asarray(column, np.float32) for column in columns], axis=1)

    def _answer_features(self, moment: Moment, answers: Numbers) -> list[NDArray[np.float64]]:
        table, count = self._table, len(self._table.answers)
        view = moment.asked[table.frame[moment.asked] == table.frame[moment.question]]
        here = np.bincount(table.answer[moment.answered], minlength=count)
        common = np.bincount(table.answer[moment.earlier], minlength=count)
        by_answer = [
            table.named[moment.question],
            np.log1p(table.named[moment.asked].sum(axis=0)),
            np.log1p(table.named[view].sum(axis=0)),
            np.minimum(here, 2),
            np.log1p(common),
        ]
        return [column[answers] for column in by_answer]

    def _room_similarity(self, moment: Moment) -> NDArray[np.float64]:
        """Cosines [rooms] of their contents with this room's, weighted by rarity."""
        table = self._table
        others = np.unique(table.room[moment.earlier])
        rarity = np.log(len(others) / (self._rooms[others].sum(axis=0) + 1) + 1)
        here = table.things(moment.answered, np.append(moment.asked, moment.question)) * rarity
        rooms = self._rooms * rarity
        lengths = np.linalg.norm(rooms, axis=1) * np.linalg.norm(here)
        return np.asarray(rooms @ here / np.maximum(lengths, 1e-9))


def room_answers(table: VectorTable) -> Flags:
    """The contents of each room by all its lines, bool [rooms, answers]."""
    count = int(table.room.max(initial=-1)) + 1
    present = np.zeros((count, len(table.answers)), bool)
    for room in range(count):
        lines = np.flatnonzero(table.room == room)
        present[room] = table.things(lines[table.answer[lines] >= 0], lines)
    return present
