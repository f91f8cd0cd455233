"""The pairs of all rooms with their vectors, to compare with current questions."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from core.ports import Rows
from core.types import Pair
from memory.elsewhere import learn
from memory.index import Cue
from memory.store import Memory
from memory.table import Line, VectorTable
from memory.votes import Votes, read_votes, write_votes

VOTES = "votes.safetensors"
MOST = 20_000
"""Pairs; beyond it the oldest pairs of the agent's own questions are left out."""


@dataclass(frozen=True)
class Shelf:
    """Pairs, in the order they came, with their vectors."""

    pairs: Sequence[Pair]
    text: Rows
    view: Rows

    @property
    def lines(self) -> list[Line]:
        """The pairs as lines of a table."""
        return [Line(pair.room, pair.question, pair.frame, pair.answer) for pair in self.pairs]

    def table(self, current: Sequence[tuple[Line, Cue]] = ()) -> VectorTable:
        """A table of all pairs and then the current lines; cues need both vectors."""
        texts = [cue.text[None] for _, cue in current if cue.text is not None]
        views = [cue.view[None] for _, cue in current if cue.view is not None]
        lines = [*self.lines, *(line for line, _ in current)]
        return VectorTable(lines, np.concatenate([self.text, *texts]), np.concatenate([self.view, *views]))


def shelf(memory: Memory, without: Collection[str] = ()) -> Shelf | None:
    """The pairs of all rooms except these ids; None without any that have vectors."""
    vectors = memory.vectors
    if vectors is None:
        return None
    row_of = {int(number): row for row, number in enumerate(vectors.numbers)}
    pairs = [(number, pair) for number, pair in memory.numbered().items() if number in row_of]
    pairs = [(number, pair) for number, pair in pairs if pair.id not in without]
    spare = len(pairs) - MOST
    agents = [number for number, pair in pairs if pair.asker == "agent"]
    left_out = set(agents[: max(0, spare)])
    kept = [(number, pair) for number, pair in pairs if number not in left_out]
    if not kept:
        return None
    rows = [row_of[number] for number, _ in kept]
    return Shelf([pair for _, pair in kept], vectors.text[rows], vectors.view[rows])


def votes_of(memory: Memory) -> Votes | None:
    """The votes learnt last, None before that. Raises StorageError."""
    return read_votes(memory.folder / VOTES)


def learn_votes(memory: Memory, seed: int) -> Votes | None:
    """Learn the votes from all rooms and write them; None when there are too few rooms.

    Half a minute for a hundred rooms; always from scratch. Raises StorageError.
    """
    pairs = shelf(memory)
    votes = None if pairs is None else learn(pairs.table(), seed)
    if votes is not None:
        write_votes(memory.folder / VOTES, votes)
    return votes
