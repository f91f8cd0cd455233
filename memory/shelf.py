"""What memory holds of all rooms, ready to be compared with questions that are asked now."""

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
"""Pairs; beyond it the oldest of those that the agent asked about are left out."""


@dataclass(frozen=True)
class Shelf:
    """Pairs, in the order they came, with their vectors."""

    pairs: Sequence[Pair]
    text: Rows
    view: Rows

    @property
    def lines(self) -> list[Line]:
        """As a table takes them."""
        return [Line(pair.room, pair.question, pair.frame, pair.answer) for pair in self.pairs]

    def table(self, asked: Sequence[tuple[Line, Cue]] = ()) -> VectorTable:
        """All of them, and then what was asked since; cues need both vectors."""
        texts = [cue.text[None] for _, cue in asked if cue.text is not None]
        views = [cue.view[None] for _, cue in asked if cue.view is not None]
        lines = [*self.lines, *(line for line, _ in asked)]
        return VectorTable(lines, np.concatenate([self.text, *texts]), np.concatenate([self.view, *views]))


def shelf(memory: Memory, without: Collection[str] = ()) -> Shelf | None:
    """The pairs of all rooms but for those of these ids; None when there is none that can be compared."""
    vectors = memory.vectors
    if vectors is None:
        return None
    place = {int(number): row for row, number in enumerate(vectors.numbers)}
    held = [(number, pair) for number, pair in memory.numbered().items() if number in place]
    held = [(number, pair) for number, pair in held if pair.id not in without]
    spare = len(held) - MOST
    agents = [number for number, pair in held if pair.asker == "agent"]
    left_out = set(agents[: max(0, spare)])
    kept = [(number, pair) for number, pair in held if number not in left_out]
    if not kept:
        return None
    rows = [place[number] for number, _ in kept]
    return Shelf([pair for _, pair in kept], vectors.text[rows], vectors.view[rows])


def votes_of(memory: Memory) -> Votes | None:
    """What was learnt last from all rooms; None before that. Raises StorageError."""
    return read_votes(memory.folder / VOTES)


def learn_votes(memory: Memory, seed: int) -> Votes | None:
    """Learn from all rooms what bears on what, and keep it beside the pairs; None when they are too few.

    Half a minute for a hundred rooms; always anew, so that nothing adds up over time. Raises StorageError.
    """
    held = shelf(memory)
    votes = None if held is None else learn(held.table(), seed)
    if votes is not None:
        write_votes(memory.folder / VOTES, votes)
    return votes
