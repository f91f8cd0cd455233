"""Which pairs to learn from, which to hold out, and which of other rooms to rehearse.

Pure and seeded. Order is by a hash of what a pair is about, never by its random id: the same pairs give the
same samples in every run, whatever order they come in, and one more pair moves few others.
"""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from core.scoring import normalise
from core.types import Pair

_FEWEST = 4  # pairs; of fewer none can be spared


@dataclass(frozen=True)
class Split:
    """Pairs to learn from and pairs to be judged by; none is in both."""

    train: list[Pair]
    held_out: list[Pair]


def split(
    pairs: Sequence[Pair], fraction: float = 0.2, seed: int = 0, trained: Collection[str] = ()
) -> Split:
    """Hold out about `fraction` of the pairs, at least one of four or more, spread over rooms and kinds.

    Ids in `trained` are never held out: the adapter in use has seen them, and would be judged by what it
    was taught. The same question about the same frame stays on one side. Both lists keep the order given.
    """
    strata: dict[tuple[str, str], list[list[Pair]]] = defaultdict(list)
    for group in _groups(pairs, seed):
        strata[group[0].room, kind(group[0])].append(group)
    wanted = 0 if len(pairs) < _FEWEST else max(1, round(fraction * len(pairs)))
    held: set[str] = set()
    for group in _in_turn(strata, fraction, set(trained)):
        if len(held) + len(group) <= wanted:
            held |= {pair.id for pair in group}
    return Split([pair for pair in pairs if pair.id not in held], [pair for pair in pairs if pair.id in held])


def replay(pairs: Sequence[Pair], count: int, seed: int = 0) -> list[Pair]:
    """Up to `count` pairs to rehearse, taken from each room in turn, and in a room from each kind in turn."""
    rooms: dict[str, dict[str, list[Pair]]] = defaultdict(lambda: defaultdict(list))
    for pair in sorted(pairs, key=lambda pair: _place(pair, seed)):
        rooms[pair.room][kind(pair)].append(pair)
    return _round_robin([_round_robin(list(kinds.values())) for kinds in rooms.values()])[:count]


def kind(pair: Pair) -> str:
    """What sort of answer a pair has: yes-no, number or words."""
    answer = normalise(pair.answer)
    if answer.split(" ")[0] in ("yes", "no"):
        return "yes-no"
    return "number" if answer.isdecimal() else "words"


def _groups(pairs: Sequence[Pair], seed: int) -> list[list[Pair]]:
    """Pairs of one question about one frame together, in hash order."""
    groups: dict[tuple[str, str, str], list[Pair]] = defaultdict(list)
    for pair in sorted(pairs, key=lambda pair: _place(pair, seed)):
        groups[pair.room, pair.frame, normalise(pair.question)].append(pair)
    return list(groups.values())


def _in_turn(
    strata: dict[tuple[str, str], list[list[Pair]]], fraction: float, trained: set[str]
) -> Iterator[list[Pair]]:
    """Groups that may be held out; each time from the stratum that is furthest below its share."""
    waiting = {
        name: [group for group in groups if trained.isdisjoint(pair.id for pair in group)]
        for name, groups in strata.items()
    }
    lack = {name: fraction * len(groups) for name, groups in strata.items()}
    while any(waiting.values()):
        name = max((name for name in waiting if waiting[name]), key=lambda name: (lack[name], name))
        lack[name] -= 1
        yield waiting[name].pop(0)


def _round_robin(lists: list[list[Pair]]) -> list[Pair]:
    longest = max(map(len, lists), default=0)
    return [items[turn] for turn in range(longest) for items in lists if turn < len(items)]


def _place(pair: Pair, seed: int) -> str:
    about = "\0".join([str(seed), pair.room, pair.frame, pair.question, pair.answer])
    return hashlib.sha256(about.encode()).hexdigest()
