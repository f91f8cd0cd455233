"""What else to ask an expert about a frame: first what is there, then everything about it.

A person's ten questions touch a tenth of what a room holds. What the expert says to further ones about the
same frames is learnt as well. Decisions alone; in plain words, for English.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np

from adapters.wording import COLOURS, about_other_things, named_in
from core.scoring import normalise
from core.types import Asker

_COLOURS = "red blue green yellow white black gray brown".split()
NAMING = (
    "What is the nearest thing?",
    "What is the biggest thing in the picture?",
    *(f"What is the {colour} thing?" for colour in _COLOURS),
)
"""Their answers name things."""
_STEADY = ("What colour is the {}?", "Where is the {}?")
_VIEWED = ("Is the {} on the left, in the middle or on the right?", "How many {}s are there?")
_SELDOM = ("What is the {} made of?", "What is on the {}?", "What pattern does the {} have?")
_OF_TWO = (
    "Is the {} to the left or to the right of the {}?",
    "Which is nearer, the {} or the {}?",
    "Which is bigger, the {} or the {}?",
)
_SURE, _CERTAIN = 0.4, 0.7
"""How sure an expert must be of a name for it to be asked whether the thing is there, and for it to be so."""
_NO_THING = frozenset({"", "yes", "no", "nothing", "left", "right", "middle", *COLOURS})
_PLACING = frozenset(
    "on in under over above below beside behind near next at to against between by inside opposite".split()
)
"""Words that begin a place: "on the bed" names none either."""
_MOST_WORDS = 3
_PRESENCE = 3
"""One part in so many of a call's questions asks whether things are there."""


@dataclass(frozen=True)
class Heard:
    """What an expert has said about a frame, and how sure it was."""

    frame: str
    question: str
    answer: str
    confidence: float
    asker: Asker


def further(heard: Sequence[Heard], frame: str, count: int, rng: np.random.Generator) -> list[str]:
    """Up to `count` questions about a frame that nobody has asked about it yet; none is there twice.

    What to ask follows from all that was `heard` in the room: a thing that one frame shows may be in another,
    and its colour need be asked but once.
    """
    asked = {normalise(one.question) for one in heard if one.frame == frame}
    chosen: list[str] = []

    def take(questions: Sequence[str], most: int) -> None:
        for question in questions:
            if len(chosen) >= min(most, count):
                return
            if normalise(question) not in asked:
                asked.add(normalise(question))
                chosen.append(question)

    take(NAMING, count)
    there = _present(heard, frame)
    unsure = [name for name in _names(heard, frame) if name not in there]
    take([presence(name) for name in unsure], len(chosen) + -(-count // _PRESENCE))
    take(_details(heard, frame, there, rng), count)
    return chosen


def presence(name: str) -> str:
    """Whether a thing is there, as it is asked."""
    return f"Is there {'an' if name[0] in 'aeiou' else 'a'} {name} in the picture?"


def _names(heard: Sequence[Heard], frame: str) -> dict[str, float]:
    """Things that may be in the room and how sure that is, above 1 when this frame's own answers say so.

    The surest come first.
    """
    found: dict[str, float] = {}

    def add(name: str, sure: float, here: bool) -> None:
        if sure >= _SURE and _names_a_thing(name):
            found[name] = max(found.get(name, 0.0), sure + here)

    for one in heard:
        here = one.frame == frame
        if one.asker == "person" or one.question in NAMING:
            add(normalise(one.answer), one.confidence, here)
        if one.asker == "person":
            for name in named_in(normalise(one.question)):
                add(name, _SURE, here)
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def _names_a_thing(name: str) -> bool:
    words = name.split()
    if name in _NO_THING or not words or words[0] in _PLACING:
        return False
    return len(words) <= _MOST_WORDS and name.replace(" ", "").isalpha()


def _present(heard: Sequence[Heard], frame: str) -> list[str]:
    """What the frame shows: what the expert was certain to name in it, or has said to be there."""
    said = {one.question: normalise(one.answer) == "yes" for one in heard if one.frame == frame}
    names = _names(heard, frame)
    return [name for name, sure in names.items() if said.get(presence(name), sure >= 1 + _CERTAIN)]


def _details(heard: Sequence[Heard], frame: str, there: Sequence[str], rng: np.random.Generator) -> list[str]:
    """Questions about what is there, common ones first; half of them in the forms that the person uses."""
    if not there:
        return []
    known = {normalise(one.question) for one in heard}
    pairs = [(a, b) for a in there for b in there if a != b]
    few = [pairs[int(place)] for place in rng.permutation(len(pairs))[: len(there)]]
    plain = _shuffled([form.format(name) for form in _STEADY + _VIEWED for name in there], rng)
    plain += _shuffled([form.format(*pair) for form in _OF_TWO for pair in few], rng)
    plain += _shuffled([form.format(name) for form in _SELDOM for name in there], rng)
    told_once = {form.format(name) for form in _STEADY + _SELDOM for name in there}
    plain = [text for text in plain if text not in told_once or normalise(text) not in known]
    own = about_other_things([one.question for one in heard if one.asker == "person"], len(plain), rng, there)
    return [text for both in zip_longest(plain, own) for text in both if text is not None]


def _shuffled(texts: Sequence[str], rng: np.random.Generator) -> list[str]:
    return [texts[int(place)] for place in rng.permutation(len(texts))]
