"""What a stream tells: accuracy against rooms visited before, and what later rooms did to earlier ones."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from agent.recording.summary import ALL
from bench.learning.methods import ROOMWISE
from bench.learning.result import outcomes_of
from bench.learning.rows import Outcome, rows, scored
from bench.learning.unit import Measured
from bench.measure.intervals import paired_difference
from bench.measure.report import Row, measured

BLOCK = 10
"""Rooms that make one row."""


def stream_rows(by_seed: Sequence[Sequence[Measured]], seed: int) -> Iterator[Row]:
    """Every method over all questions after the warm-ups of each ten visits; `visited`: rooms before them."""
    visits = list(zip(*by_seed, strict=True))
    for first in range(0, len(visits), BLOCK):
        block = visits[first : first + BLOCK]
        about = {"phase": "stream", "visited": f"{first}-{first + len(block) - 1}"}
        for row in rows(outcomes_of(list(chain(*block))), seed, **about):
            if row["tag"] == ALL and row["metric"] in ("exact", "nls", "anls"):
                yield row


def transfer_rows(
    by_seed: Sequence[Sequence[Measured]], again: Sequence[Mapping[str, Mapping[str, str]]], seed: int
) -> Iterator[Row]:
    """Backward transfer: exact match at the end of the stream less that of the visit, on the same questions.

    As in Lopez-Paz and Ranzato 2017, Gradient episodic memory, section 2 (BWT), the last room left out:
    nothing came after it. Below 0 earlier rooms were forgotten.
    """
    first: list[Outcome] = []
    later: list[Outcome] = []
    for legs, told in zip(by_seed, again, strict=True):
        for one in outcomes_of(list(legs[:-1])):
            said = told.get(one.room, {}).get(str(one.turn))
            if said is not None:
                first.append(one)
                later.append(Outcome(one.room, one.turn, one.tag, one.reference, {ROOMWISE: said}, one.seed))
    if not first:
        return
    before, after = scored(first), scored(later)
    interval = paired_difference(
        after.values["exact"][ROOMWISE], before.values["exact"][ROOMWISE], before.rooms, seed=seed
    )
    yield measured(
        interval, phase="stream", visited=f"{len(by_seed[0])}", method=ROOMWISE, tag=ALL, half="after",
        metric="backward transfer",
    )  # fmt: skip
