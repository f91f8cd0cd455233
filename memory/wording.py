"""What a question is about, by its words: its kind, the side it asks for, the things it names.

No parser and no list of things: people type questions with slips, in any order, about anything.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from core.scoring import normalise

_SPELLINGS = {"colour": "color", "colours": "color", "grey": "gray", "leftside": "left", "rightside": "right"}
_KINDS = (
    ("count", re.compile(r"\b(how many|number of)\b")),
    ("color", re.compile(r"\bcolor\b")),
    ("where", re.compile(r"\bwhere\b")),
    ("thing", re.compile(r"\b(object|thing|item)\b")),
)
# The first match counts: "on the left side of the table" asks for left.
_SIDES = {
    "left": "left", "right": "right", "front": "front", "behind": "behind", "above": "above",
    "below": "under", "under": "under", "between": "between", "inside": "in", "hanging": "hang",
    "hung": "hang", "corner": "corner", "near": "near", "close": "near", "next": "near", "beside": "near",
    "top": "on", "on": "on", "in": "in", "at": "at",
}  # fmt: skip
_EMPTY = frozenset(
    "what is the a an are of to side and how many color object thing item kept placed which where this that "
    "it there picture image room seen visible found with by from number do doe you see can".split()
) | set(_SIDES)
_LONGEST = 4  # words of an answer that is looked for in questions


@dataclass(frozen=True)
class Form:
    """A question's kind, its side ("" for none), and the remaining words in order."""

    kind: str
    side: str
    things: tuple[str, ...]


@lru_cache(65536)
def fold(text: str) -> str:
    """`normalise`, and then one spelling and no plural: "Colours of books" -> "color of book"."""
    return " ".join(_singular(_SPELLINGS.get(word, word)) for word in normalise(text).split())


@lru_cache(65536)
def form_of(question: str) -> Form:
    """The form of a question."""
    text = fold(question)
    words = text.split()
    kind = next((name for name, pattern in _KINDS if pattern.search(text)), "other")
    side = next((_SIDES[word] for word in _SIDES if word in words), "")
    return Form(kind, side, tuple(word for word in words if word not in _EMPTY))


@lru_cache(65536)
def phrases(question: str) -> frozenset[str]:
    """Every run of up to four of its folded words, to find answers that the question names."""
    words = fold(question).split()
    return frozenset(
        " ".join(words[start:end])
        for start in range(len(words))
        for end in range(start + 1, min(start + _LONGEST, len(words)) + 1)
    )


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
