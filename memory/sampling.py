"""Choose pairs to train on, to hold out, and to replay from other rooms.

Pure and seeded. Order is by a hash of a pair's content, never by its random id: the same pairs give the same
samples in every run and any order, and one more pair moves few others.
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
    """Pairs to train on and pairs to judge by; none is in both."""

    train: list[Pair]
    held_out: list[Pair]


def split(
    pairs: Sequence[Pair], fraction: float = 0.2, seed: int = 0, trained: Collection[str] = ()
) -> Split:
    """Hold out about `fraction` of the pairs, at least one of four or more, spread over rooms and kinds.

    Ids in `trained` are never held out, since the adapter in use has seen them. The same question about the
    same frame stays on one side. Both lists keep the order given.
    """
    strata: dict[tuple[str, str], list[list[Pair]]] = defaultdict(list)
    for group in _groups(pairs, seed):
        strata[group[0].room, kind(group[0])].append(group)
    count = 0 if len(pairs) < _FEWEST else max(1, round(fraction * len(pairs)))
    held_out: set[str] = set()
    for group in _next_groups(strata, fraction, set(trained)):
        if len(held_out) + len(group) <= count:
            held_out |= {pair.id for pair in group}
    return Split(
        [pair for pair in pairs if pair.id not in held_out], [pair for pair in pairs if pair.id in held_out]
    )


def replay(pairs: Sequence[Pair], count: int, seed: int = 0) -> list[Pair]:
    """Up to `count` pairs to replay, from each room in turn, and in a room from each kind in turn."""
    rooms: dict[str, dict[str, list[Pair]]] = defaultdict(lambda: defaultdict(list))
    for pair in sorted(pairs, key=lambda pair: _hash_order(pair, seed)):
        rooms[pair.room][kind(pair)].append(pair)
    return _round_robin([_round_robin(list(kinds.values())) for kinds in rooms.values()])[:count]


def kind(pair: Pair) -> str:
    """The kind of a pair's answer: yes-no, number or words."""
    answer = normalise(pair.answer)
    if answer.split(" ")[0] in ("yes", "no"):
        return "yes-no"
    return "number" if answer.isdecimal() else "words"


def _groups(pairs: Sequence[Pair], seed: int) -> list[list[Pair]]:
    """Pairs of one question about one frame together, in hash order."""
    groups: dict[tuple[str, str, str], list[Pair]] = defaultdict(list)
    for pair in sorted(pairs, key=lambda pair: _hash_order(pair, seed)):
        groups[pair.room, pair.frame, normalise(pair.question)].append(pair)
    return list(groups.values())


def _next_groups(
    strata: dict[tuple[str, str], list[list[Pair]]], fraction: float, trained: set[str]
) -> Iterator[list[Pair]]:
    """Groups that may be held out, each from the stratum furthest below its share."""
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


def _hash_order(pair: Pair, seed: int) -> str:
    about = "\0".join([str(seed), pair.room, pair.frame, pair.question, pair.answer])
    return hashlib.sha256(about.encode()).hexdigest()
