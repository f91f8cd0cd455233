"""Which things a room holds according to the expert, in which frame, and how surely. English word lists."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from adapters.training.wording import COLOURS, named_in
from core.scoring import normalise
from core.types import Asker

_COLOURS = "red blue green yellow white black gray brown".split()
NAMING = (
    "What is the nearest thing?",
    "What is the biggest thing in the picture?",
    *(f"What is the {colour} thing?" for colour in _COLOURS),
)
"""Questions whose answers name things."""
COLOUR = "What colour is the {}?"
_SURE, _CERTAIN = 0.4, 0.7
"""Confidence at which a named thing is asked about, and at which it counts as present."""
_PLACING = frozenset(
    "on in under over above below beside behind near next at to against between by inside opposite".split()
)
"""Prepositions: "on the bed" names no thing."""
_ATTRIBUTE = frozenset(
    "colour color coloured colored pattern material made room many number where side shape size".split()
)
"""A question with one of these words asks for something other than a thing."""
_NO_THING = frozenset(
    "yes no nothing none left right middle plain striped dotted checked patterned wood wooden metal glass "
    "cloth plastic leather stone kitchen bedroom bathroom office hall living dining room floor wall".split()
)
_MOST_WORDS = 3


@dataclass(frozen=True)
class Claim:
    """What the expert said about a frame, and how sure it was."""

    frame: str
    question: str
    answer: str
    confidence: float
    asker: Asker


def presence(name: str) -> str:
    """The question whether a thing is there."""
    return f"Is there {'an' if name[0] in 'aeiou' else 'a'} {name} in the picture?"


def names(claims: Sequence[Claim], frame: str) -> dict[str, float]:
    """Things that may be in the room, surest first; above 1 where this frame's own answers name them."""
    confidences: dict[str, float] = {}

    def add(name: str, confidence: float, in_frame: bool) -> None:
        if confidence >= _SURE and _names_a_thing(name):
            confidences[name] = max(confidences.get(name, 0.0), confidence + in_frame)

    for claim in claims:
        in_frame, words = claim.frame == frame, normalise(claim.question)
        if claim.question in NAMING or (claim.asker == "person" and _ATTRIBUTE.isdisjoint(words.split())):
            add(normalise(claim.answer), claim.confidence, in_frame)
        if claim.asker == "person":
            for name in named_in(words):
                add(name, _SURE, in_frame)
    return dict(sorted(confidences.items(), key=lambda item: (-item[1], item[0])))


def present(claims: Sequence[Claim], frame: str) -> list[str]:
    """The things a frame shows: named in it with certainty, or confirmed to be there."""
    confirmed = {claim.question: normalise(claim.answer) == "yes" for claim in claims if claim.frame == frame}
    candidates = names(claims, frame)
    return [
        name
        for name, confidence in candidates.items()
        if confirmed.get(presence(name), confidence >= 1 + _CERTAIN)
    ]


def colours(claims: Sequence[Claim]) -> dict[str, str]:
    """The colour of each thing by name, where it was asked for and answered with a colour."""
    answers = {claim.question: normalise(claim.answer) for claim in claims}
    named = {
        name: answers.get(COLOUR.format(name), "") for claim in claims for name in named_in(claim.question)
    }
    return {name: colour for name, colour in named.items() if colour in COLOURS}


def tint(name: str, colour_of: dict[str, str], frame: str) -> str:
    """A colour to ask about: half the time the thing's own if known, else any; always the same for thing and
    frame.
    """
    draw = zlib.crc32(f"{name} {frame}".encode())
    return colour_of[name] if name in colour_of and draw % 2 else _COLOURS[draw // 2 % len(_COLOURS)]


def _names_a_thing(name: str) -> bool:
    words = name.split()
    if not words or words[0] in _PLACING or not (_NO_THING | COLOURS).isdisjoint((name, words[-1])):
        return False
    return len(words) <= _MOST_WORDS and name.replace(" ", "").isalpha()
