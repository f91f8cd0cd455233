"""A question before it is worded, and the view of a frame that drafts are made from."""

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from bench.rooms.rendering.facts import FrameFacts, VisibleThing

T = TypeVar("T")
_BLOCK = 256

# What a person may well call by the same word: where both can be seen, neither is asked about by that word.
KIN: dict[str, tuple[str, ...]] = {
    "table": ("coffee table", "desk"), "coffee table": ("table", "ottoman"), "desk": ("table",),
    "chair": ("office chair", "armchair"), "office chair": ("chair",), "armchair": ("chair", "sofa"),
    "sofa": ("armchair",), "lamp": ("floor lamp", "ceiling lamp"), "floor lamp": ("lamp",),
    "ceiling lamp": ("lamp",), "shelf": ("bookshelf",), "bookshelf": ("shelf",),
    "cabinet": ("nightstand", "tv stand", "wardrobe"), "nightstand": ("cabinet",), "tv stand": ("cabinet",),
    "wardrobe": ("cabinet",), "tv": ("monitor",), "monitor": ("tv", "laptop"), "stool": ("ottoman",),
    "ottoman": ("stool", "coffee table"), "bin": ("bucket", "basket"), "bucket": ("bin",), "basket": ("bin",),
    "vase": ("bottle",), "bottle": ("vase",),
}  # fmt: skip


class QuestionDraft(NamedTuple):
    """A fact to ask for. `slots` fill the wording; `key` is what a reader of the question alone knows.

    `fact` names the fact, the same in every view; `subject` the ids of the things it is about.
    """

    kind: str
    family: str
    slots: dict[str, str]
    answer: str
    subject: tuple[int, ...]
    key: str
    fact: str


def draft_about(
    kind: str, family: str, slots: dict[str, str], answer: str, *things: VisibleThing, fact: str = ""
) -> QuestionDraft:
    """A draft whose key names the things' categories; so does its fact their ids, unless it is given."""
    key = "|".join((kind, *(thing.category for thing in things)))
    ids = tuple(thing.id for thing in things)
    return QuestionDraft(kind, family, slots, answer, ids, key, fact or ":".join((kind, *map(str, ids))))


class Question(NamedTuple):
    """A worded draft. `needs` is its fact; `wording` counts within the kind's wordings of the split."""

    text: str
    answer: str
    family: str
    subject: tuple[int, ...]
    wording: int
    needs: str
    kind: str
    key: str
    slots: dict[str, str]


class Dice:
    """Uniform draws from a Generator, taken in blocks: single draws would cost more than the questions."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._block: list[float] = []

    def roll(self) -> float:
        """A number in [0, 1)."""
        if not self._block:
            self._block = self._rng.random(_BLOCK).tolist()
        return self._block.pop()

    def pick(self, items: Sequence[T]) -> T:
        """One of the items."""
        return items[int(self.roll() * len(items))]

    def weighted(self, items: Sequence[T], weights: Sequence[float]) -> T:
        """One of the items, in proportion to its weight."""
        point = self.roll() * sum(weights)
        for item, weight in zip(items, weights, strict=True):
            point -= weight
            if point < 0:
                return item
        return items[-1]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """The items in any order."""
        return sorted(items, key=lambda _: self.roll())


class FrameThings:
    """A frame's things by category, and those that can be spoken of without being mistaken.

    names: of clear things, id -> what to call it: "sofa", or "red chair" where chairs differ in colour.
    """

    def __init__(self, facts: FrameFacts) -> None:
        self.facts = facts
        self.by_category: dict[str, list[VisibleThing]] = {}
        for thing in facts.seen:
            self.by_category.setdefault(thing.category, []).append(thing)
        self.by_id = {thing.id: thing for thing in facts.seen}
        self.single: list[VisibleThing] = []
        self.names: dict[int, str] = {}
        for category, things in self.by_category.items():
            if not self.has_kin(category):
                self._name(category, things)

    def has_kin(self, category: str) -> bool:
        """Whether something is visible that might be called by the same word."""
        return any(other in self.by_category for other in KIN.get(category, ()))

    def named(self) -> list[VisibleThing]:
        """Clear things that have a name."""
        return [self.by_id[i] for i in self.names]

    def _name(self, category: str, things: list[VisibleThing]) -> None:
        if len(things) == 1:
            if things[0].clear:
                self.single.append(things[0])
                self.names[things[0].id] = category
            return
        colours = [thing.colour for thing in things]
        if None in colours or not all(thing.looks_coloured for thing in things):
            return
        for thing in things:
            if thing.clear and colours.count(thing.colour) == 1:
                self.names[thing.id] = f"{thing.colour} {category}"
