"""Which further questions, in plain English, to ask the expert about a frame: things, then their details."""

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
"""One in this many questions of a call asks whether a thing is there."""


def further_questions(claims: Sequence[Claim], frame: str, count: int, rng: np.random.Generator) -> list[str]:
    """Up to `count` new questions about a frame, chosen by all `claims` about the room. A thing seen in one
    frame may be in another; its colour is asked for only once.
    """
    known_questions = {normalise(claim.question) for claim in claims if claim.frame == frame}
    chosen: list[str] = []

    def take(questions: Iterable[str], most: int) -> None:
        for question in questions:
            if len(chosen) >= min(most, count):
                return
            if normalise(question) not in known_questions:
                known_questions.add(normalise(question))
                chosen.append(question)

    take(NAMING, count)
    things = present(claims, frame)
    unsure = [name for name in names(claims, frame) if name not in things]
    take(map(presence, unsure), len(chosen) + -(-count // _PRESENCE))
    take(_details(claims, frame, things, rng), count)
    return chosen


def _details(
    claims: Sequence[Claim], frame: str, things: Sequence[str], rng: np.random.Generator
) -> list[str]:
    """Questions about the things, common ones first; a third follow the person's wording."""
    if not things:
        return []
    known_questions, colour_of = {normalise(claim.question) for claim in claims}, colours(claims)
    pairs = [(first, second) for first in things for second in things if first != second]
    sample = [pairs[int(place)] for place in rng.permutation(len(pairs))[: len(things)]]
    plain = [form.format(name) for form in (*_STEADY, _VIEWED) for name in things]
    plain += [f"How many {_plural(name)} are there?" for name in things]
    plain = _shuffle([*plain, *(f"Is the {name} {tint(name, colour_of, frame)}?" for name in things)], rng)
    plain += _shuffle([form.format(*pair) for form in _OF_TWO for pair in sample], rng)
    plain += _shuffle([form.format(name) for form in _SELDOM for name in things], rng)
    general = {form.format(name) for form in _STEADY + _SELDOM for name in things}
    plain = [text for text in plain if text not in general or normalise(text) not in known_questions]
    own = about_other_things(
        [claim.question for claim in claims if claim.asker == "person"], len(plain), rng, things
    )
    own = [_with_other_colours(question, colour_of, frame) for question in own]
    return [text for three in zip_longest(plain[::2], plain[1::2], own) for text in three if text]


def _with_other_colours(question: str, colour_of: dict[str, str], frame: str) -> str:
    """Swap the colours: asking only for the person's would nearly always get a no."""
    name = next(iter(named_in(question)), "")
    words = [
        tint(name, colour_of, frame) if word in COLOURS else word for word in question.rstrip("?").split()
    ]
    return " ".join(words) + "?"


def _plural(name: str) -> str:
    """Plural of an English noun; names ending in s mostly are plurals already."""
    if name.endswith(("ss", "x", "z", "ch", "sh")):
        return f"{name}es"
    return name if name.endswith("s") else f"{name}s"


def _shuffle(texts: Sequence[str], rng: np.random.Generator) -> list[str]:
    return [texts[int(place)] for place in rng.permutation(len(texts))]
