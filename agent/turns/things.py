"""What things a room holds, as far as an expert has said: in which frame, and how sure that is.

Decisions alone; plain word lists, for English.
"""

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
"""Their answers name things."""
COLOUR = "What colour is the {}?"
_SURE, _CERTAIN = 0.4, 0.7
"""How sure an expert must be of a name for it to be asked whether the thing is there, and for it to be so."""
_PLACING = frozenset(
    "on in under over above below beside behind near next at to against between by inside opposite".split()
)
"""Words that begin a place: "on the bed" names none either."""
_ATTRIBUTE = frozenset(
    "colour color coloured colored pattern material made room many number where side shape size".split()
)
"""A question with one of these is answered with no thing."""
_NO_THING = frozenset(
    "yes no nothing none left right middle plain striped dotted checked patterned wood wooden metal glass "
    "cloth plastic leather stone kitchen bedroom bathroom office hall living dining room floor wall".split()
)
_MOST_WORDS = 3


@dataclass(frozen=True)
class Claim:
    """What an expert has said about a frame, and how sure it was."""

    frame: str
    question: str
    answer: str
    confidence: float
    asker: Asker


def presence(name: str) -> str:
    """Whether a thing is there, as it is asked."""
    return f"Is there {'an' if name[0] in 'aeiou' else 'a'} {name} in the picture?"


def names(heard: Sequence[Claim], frame: str) -> dict[str, float]:
    """Things that may be in the room and how sure that is, above 1 when this frame's own answers say so.

    The surest come first.
    """
    found: dict[str, float] = {}

    def add(name: str, sure: float, here: bool) -> None:
        if sure >= _SURE and _names_a_thing(name):
            found[name] = max(found.get(name, 0.0), sure + here)

    for one in heard:
        here, words = one.frame == frame, normalise(one.question)
        if one.question in NAMING or (one.asker == "person" and _ATTRIBUTE.isdisjoint(words.split())):
            add(normalise(one.answer), one.confidence, here)
        if one.asker == "person":
            for name in named_in(words):
                add(name, _SURE, here)
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def present(heard: Sequence[Claim], frame: str) -> list[str]:
    """What the frame shows: what the expert was certain to name in it, or has said to be there."""
    said = {one.question: _yes(one) for one in heard if one.frame == frame}
    known = names(heard, frame)
    return [name for name, sure in known.items() if said.get(presence(name), sure >= 1 + _CERTAIN)]


def colours(heard: Sequence[Claim]) -> dict[str, str]:
    """The colour of a thing by its name, where it was asked for and the answer is one."""
    told = {one.question: normalise(one.answer) for one in heard}
    every = {name: told.get(COLOUR.format(name), "") for one in heard for name in named_in(one.question)}
    return {name: colour for name, colour in every.items() if colour in COLOURS}


def tint(name: str, known: dict[str, str], frame: str) -> str:
    """A colour to ask a thing in a frame for: its own every other time, as far as it is known, else any.

    The same again for the same thing, so that it is not asked for one colour after another.
    """
    draw = zlib.crc32(f"{name} {frame}".encode())
    return known[name] if name in known and draw % 2 else _COLOURS[draw // 2 % len(_COLOURS)]


def _yes(one: Claim) -> bool:
    return normalise(one.answer) == "yes"


def _names_a_thing(name: str) -> bool:
    words = name.split()
    if not words or words[0] in _PLACING or not (_NO_THING | COLOURS).isdisjoint((name, words[-1])):
        return False
    return len(words) <= _MOST_WORDS and name.replace(" ", "").isalpha()
