"""Sentences about rendered rooms, and of which frames each is true: what the teacher's head is trained on."""

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from bench.pretrain.common.names import THINGS
from bench.rooms.layout import KINDS
from bench.rooms.rendering.facts import FrameFacts
from models.scene.names import GENERIC, prompt

_PAIRS = 1200
_ALIKE = frozenset({
    "child's room", "guest room", "hotel room", "lounge", "open-plan office", "pantry", "restaurant",
    "studio flat", "study", "toilet", "utility room", "laundry room", "conservatory", "cafeteria",
    "waiting room", *KINDS,
})  # fmt: skip
"""Generic places that a rendered room may as well be called; of all the others it is none."""


def caption_bank(seed: int) -> list[tuple[str, str | None, frozenset[str]]]:
    """Sentences with the kind of room and the things that they name. The same seed gives the same.

    A sentence about a place that is no rendered room names a kind that none has: it is true of no frame.
    """
    rng = np.random.default_rng(seed)
    nothing: frozenset[str] = frozenset()
    bank: list[tuple[str, str | None, frozenset[str]]] = []
    for kind in KINDS:
        bank += [
            (text, kind, nothing)
            for text in (prompt(kind), kind, f"inside a {kind}", f"the {kind} of a home")
        ]
    bank += [(prompt(place), place, nothing) for place in GENERIC if place not in _ALIKE]
    bank += [(prompt(thing), None, frozenset({thing})) for thing in THINGS]
    bank += [(f"a {kind} with a {thing}", kind, frozenset({thing})) for kind, thing in product(KINDS, THINGS)]
    for _ in range(_PAIRS):
        kind = KINDS[int(rng.integers(len(KINDS)))]
        first, second = (THINGS[int(i)] for i in rng.choice(len(THINGS), 2, replace=False))
        bank.append((f"a photo of a {kind} with a {first} and a {second}", kind, frozenset({first, second})))
    return bank


def truths(
    bank: Sequence[tuple[str, str | None, frozenset[str]]], facts: Sequence[FrameFacts]
) -> NDArray[np.bool_]:
    """Whether each sentence is true of each frame: [frames, sentences]; things count where they are clear."""
    kinds = np.array([[kind is None or fact.kind == kind for _, kind, _ in bank] for fact in facts])
    clear = np.array([
        [any(s.clear and s.category == t for s in fact.seen) for t in THINGS] for fact in facts
    ])
    named = np.array([[thing in things for thing in THINGS] for _, _, things in bank], np.int32)
    missing = (~clear).astype(np.int32) @ named.T
    found: NDArray[np.bool_] = kinds & (missing == 0)
    return found


def always(bank: Sequence[tuple[str, str | None, frozenset[str]]]) -> NDArray[np.int64]:
    """The sentences that name a place alone: every frame is compared with all of them."""
    return np.array([row for row, (_, kind, things) in enumerate(bank) if kind is not None and not things])
