"""Reword questions, and ask about other things in the same form.

From few pairs a student also learns that an answer belongs to these very words, or to all questions of this
form. Rewording a pair prevents the first; its form with other things, answered as before, the second. Plain
word lists, English only.
"""

import re
from collections.abc import Sequence
from itertools import groupby

import numpy as np

from adapters.training.questions import THINGS
from core.scoring import normalise

_FILLERS = frozenset(
    "what which how is are am be do does did has have you i me we can could would tell say see seen look "
    "know that it its this if whether of for to my our your here now please the a an".split()
)
"""Words that a question can do without."""
_FORM = _FILLERS | frozenset(
    "in on at with from by there room picture image view frame shown show object thing things item items "
    "kind sort type and or many number count colour color coloured colored where left right middle side near "
    "nearer nearest close closer closest big bigger biggest large larger largest small smaller smallest than "
    "most made material pattern find stand standing sit placed located not any some".split()
)
"""Words that say what is asked; all others name what it is about."""
_OPENINGS = ("", "Tell me, ", "Please say ", "Can you tell me ", "I would like to know ", "Do you know ")
_ALIKE = (("colour", "color"), ("thing", "object"), ("what", "which"))
_ALSO = dict(_ALIKE) | {second: first for first, second in _ALIKE}
COLOURS = frozenset(
    "red blue green yellow white black gray grey brown pink orange purple beige turquoise navy".split()
)
_VIEWED = re.compile(
    r"\b(left|right|middle|side|near\w*|clos\w*|front|behind|how many|number|count"
    r"|big\w*|larg\w*|small\w*|there)\b",
    re.IGNORECASE,
)
_LEFT_OUT, _SWAPPED, _OPENED, _ASKED = 0.35, 0.3, 0.4, 0.7


def reword(question: str, rng: np.random.Generator) -> str:
    """The question without some fillers, with synonyms swapped, and perhaps another opening."""
    words = [word for word in _words(question) if _plain(word) not in _FILLERS or rng.random() > _LEFT_OUT]
    words = words if len(words) > 1 else _words(question)
    words = [_ALSO[word] if word in _ALSO and rng.random() < _SWAPPED else word for word in words]
    text = " ".join(words)
    if rng.random() < _OPENED:
        text = _OPENINGS[int(rng.integers(len(_OPENINGS)))] + text[:1].lower() + text[1:]
    return text + ("?" if rng.random() < _ASKED else ".")


def about_other_things(
    questions: Sequence[str], count: int, rng: np.random.Generator, things: Sequence[str] = ()
) -> list[str]:
    """Up to `count` new questions in the forms of these, about other things.

    The default `things` are those of the questions and a list of common ones.
    """
    runs = [_forms(question) for question in questions]
    runs = [parts for parts in runs if any(_names(*part) for part in parts)]
    if not runs:
        return []
    things = things or sorted({*THINGS, *(name for question in questions for name in named_in(question))})
    contents = {_content(question) for question in questions}
    others: list[str] = []
    for _ in range(3 * count):
        parts = runs[int(rng.integers(len(runs)))]
        words = [things[int(rng.integers(len(things)))] if _names(*part) else part[1] for part in parts]
        text = " ".join(words)
        if _content(text) not in contents and len(set(words)) == len(words):
            others.append(f"{text}?")
    return others[:count]


def named_in(question: str) -> list[str]:
    """The things that a question names: "the {red sofa} and the {lamp}"."""
    return [text.strip(",:;") for named, text in _forms(question) if _names(named, text)]


def tied_to_view(question: str) -> bool:
    """Whether the answer may change when the camera moves: sides, distance, size, number, presence."""
    return _VIEWED.search(question) is not None


def _forms(question: str) -> list[tuple[bool, str]]:
    """The question as runs of words: those that name things (True) and those of its form."""
    runs = groupby(_words(question), key=lambda word: _plain(word) not in _FORM)
    return [(named, " ".join(words)) for named, words in runs]


def _names(named: bool, text: str) -> bool:
    """Whether a run of words names a thing and not just a colour."""
    return named and _plain(text) not in COLOURS


def _content(question: str) -> frozenset[str]:
    return frozenset(normalise(question).split()) - _FILLERS


def _words(question: str) -> list[str]:
    return question.rstrip("?.! ").split()


def _plain(word: str) -> str:
    return word.lower().strip(",:;")
