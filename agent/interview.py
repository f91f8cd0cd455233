"""What else to ask an expert about a frame: first what is there, then everything about it.

A person's ten questions touch a tenth of what a room holds. What the expert says to further ones about the
same frames is learnt as well. Decisions alone; in plain words, for English.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from adapters.wording import about_other_things, named_in
from core.scoring import normalise
from core.types import Asker

_COLOURS = "red blue green yellow white black gray brown pink orange purple".split()
NAMING = (
    "What is the nearest thing?",
    "What is the biggest thing in the picture?",
    *(f"What is the {colour} thing?" for colour in _COLOURS),
)
"""Their answers name things."""
_ON = "What is on the {}?"
_OF_ONE = (
    "What colour is the {}?",
    "Where is the {}?",
    "Is the {} on the left, in the middle or on the right?",
    "What is the {} made of?",
    "What pattern does the {} have?",
    "How many {}s are there?",
    _ON,
)
_OF_TWO = (
    "Is the {} to the left or to the right of the {}?",
    "Which is nearer, the {} or the {}?",
    "Which is bigger, the {} or the {}?",
)
_SURE = 0.4
"""How sure an expert must be of a name for it to be asked about; first, whether the thing is there."""
_NO_THING = frozenset({"", "yes", "no", "nothing", "left", "right", "middle", *_COLOURS})
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

    What to ask follows from all that was `heard` in the room: a thing that one frame shows may be in another.
    """
    asked = {normalise(one.question) for one in heard if one.frame == frame}
    chosen: list[str] = []

    def take(questions: Iterator[str] | Sequence[str], most: int) -> None:
        for question in questions:
            if len(chosen) >= most:
                return
            if normalise(question) not in asked:
                asked.add(normalise(question))
                chosen.append(question)

    take(NAMING, count)
    take([presence(name) for name in _names(heard, frame)], min(count, len(chosen) + -(-count // _PRESENCE)))
    take(_details(heard, _present(heard, frame), count, rng), count)
    return chosen


def presence(name: str) -> str:
    """Whether a thing is there, as it is asked."""
    return f"Is there {'an' if name[0] in 'aeiou' else 'a'} {name} in the picture?"


def _names(heard: Sequence[Heard], frame: str) -> list[str]:
    """Names of things that may be in the room; those that this frame's answers gave come first."""
    on = tuple(_ON.split("{}"))
    found: dict[str, float] = {}
    for one in heard:
        here = one.frame == frame
        if one.asker == "person":
            for name in named_in(normalise(one.question)):
                found[name] = max(found.get(name, 0.0), 0.5 + here)
        names_one = one.question in NAMING or one.question.startswith(on[0])
        if (one.asker == "person" or names_one) and one.confidence >= _SURE:
            name = normalise(one.answer)
            found[name] = max(found.get(name, 0.0), one.confidence + here)
    plausible = [name for name in found if _names_a_thing(name)]
    return sorted(plausible, key=lambda name: (-found[name], name))


def _names_a_thing(name: str) -> bool:
    words = name.split()
    return name not in _NO_THING and 0 < len(words) <= _MOST_WORDS and name.replace(" ", "").isalpha()


def _present(heard: Sequence[Heard], frame: str) -> list[str]:
    """What is in the frame, as the expert said when it was asked."""
    said = {one.question for one in heard if one.frame == frame and normalise(one.answer) == "yes"}
    return [name for name in _names(heard, frame) if presence(name) in said]


def _details(
    heard: Sequence[Heard], present: Sequence[str], count: int, rng: np.random.Generator
) -> list[str]:
    """Questions about what is there, in no order: in plain forms, and in those that the person uses."""
    if not present:
        return []
    found = [form.format(name) for form in _OF_ONE for name in present]
    pairs = [(a, b) for a in present for b in present if a != b]
    few = [pairs[int(place)] for place in rng.permutation(len(pairs))[: len(present)]]
    found += [form.format(*pair) for form in _OF_TWO for pair in few]
    own = [one.question for one in heard if one.asker == "person"]
    found += about_other_things(own, count, rng, present)
    return [found[int(place)] for place in rng.permutation(len(found))]
