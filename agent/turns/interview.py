"""What else to ask an expert about a frame: first what is there, then everything about it.

A person's ten questions touch a tenth of what a room holds. What the expert says to further ones about the
same frames is learnt as well. Decisions alone; in plain words, for English.
"""

from collections.abc import Iterable, Sequence
from itertools import zip_longest

import numpy as np

from adapters.training.wording import COLOURS, about_other_things, named_in
from agent.turns.things import COLOUR, NAMING, Claim, colours, names, presence, present, tint
from core.scoring import normalise

_STEADY = (COLOUR, "Where is the {}?")
_VIEWED = "Is the {} on the left, in the middle or on the right?"
_SELDOM = ("What is the {} made of?", "What is on the {}?", "What pattern does the {} have?")
_OF_TWO = (
    "Is the {} to the left or to the right of the {}?",
    "Which is nearer, the {} or the {}?",
    "Which is farther away, the {} or the {}?",
    "Which is bigger, the {} or the {}?",
)
_PRESENCE = 3
"""One part in so many of a call's questions asks whether things are there."""


def further(heard: Sequence[Claim], frame: str, count: int, rng: np.random.Generator) -> list[str]:
    """Up to `count` questions about a frame that nobody has asked about it yet; none is there twice.

    What to ask follows from all that was `heard` in the room: a thing that one frame shows may be in another,
    and its colour need be asked but once.
    """
    asked = {normalise(one.question) for one in heard if one.frame == frame}
    chosen: list[str] = []

    def take(questions: Iterable[str], most: int) -> None:
        for question in questions:
            if len(chosen) >= min(most, count):
                return
            if normalise(question) not in asked:
                asked.add(normalise(question))
                chosen.append(question)

    take(NAMING, count)
    there = present(heard, frame)
    unsure = [name for name in names(heard, frame) if name not in there]
    take(map(presence, unsure), len(chosen) + -(-count // _PRESENCE))
    take(_details(heard, frame, there, rng), count)
    return chosen


def _details(heard: Sequence[Claim], frame: str, there: Sequence[str], rng: np.random.Generator) -> list[str]:
    """Questions about what is there, common ones first; a third of them in the forms that the person uses."""
    if not there:
        return []
    asked, known = {normalise(one.question) for one in heard}, colours(heard)
    pairs = [(a, b) for a in there for b in there if a != b]
    few = [pairs[int(place)] for place in rng.permutation(len(pairs))[: len(there)]]
    plain = [form.format(name) for form in (*_STEADY, _VIEWED) for name in there]
    plain += [f"How many {_plural(name)} are there?" for name in there]
    plain = _shuffled([*plain, *(f"Is the {name} {tint(name, known, frame)}?" for name in there)], rng)
    plain += _shuffled([form.format(*pair) for form in _OF_TWO for pair in few], rng)
    plain += _shuffled([form.format(name) for form in _SELDOM for name in there], rng)
    told_once = {form.format(name) for form in _STEADY + _SELDOM for name in there}
    plain = [text for text in plain if text not in told_once or normalise(text) not in asked]
    own = about_other_things([one.question for one in heard if one.asker == "person"], len(plain), rng, there)
    own = [_tinted(question, known, frame) for question in own]
    return [text for three in zip_longest(plain[::2], plain[1::2], own) for text in three if text]


def _tinted(question: str, known: dict[str, str], frame: str) -> str:
    """With other colours: asked for the person's alone, nearly all is answered with no."""
    name = next(iter(named_in(question)), "")
    words = [tint(name, known, frame) if word in COLOURS else word for word in question.rstrip("?").split()]
    return " ".join(words) + "?"


def _plural(name: str) -> str:
    """Of an English noun; of most that end in s it is the noun itself, since such names are plurals."""
    if name.endswith(("ss", "x", "z", "ch", "sh")):
        return f"{name}es"
    return name if name.endswith("s") else f"{name}s"


def _shuffled(texts: Sequence[str], rng: np.random.Generator) -> list[str]:
    return [texts[int(place)] for place in rng.permutation(len(texts))]
