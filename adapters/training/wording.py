"""The same question in other words, and other questions in the same words.

Few pairs teach a student two wrong lessons beside the right one: that an answer belongs to these very
words, and that it belongs to all questions of this form. Other wordings of a pair undo the first; its form
with other things in it, answered as before, undoes the second. Plain word lists, for English alone.
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
"""A question is understood without them."""
_FORM = _FILLERS | frozenset(
    "in on at with from by there room picture image view frame shown show object thing things item items "
    "kind sort type and or many number count colour color coloured colored where left right middle side near "
    "nearer nearest close closer closest big bigger biggest large larger largest small smaller smallest than "
    "most made material pattern find stand standing sit placed located not any some".split()
)
"""Words that say what is asked; all others say about what."""
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


def reworded(question: str, rng: np.random.Generator) -> str:
    """The question with fillers left out, words of like meaning swapped, and perhaps another opening."""
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
    """Up to `count` questions in the forms of these, about other things; none of them is one of these.

    Without `things` they come from the questions themselves and from a list of common ones.
    """
    split = [_forms(question) for question in questions]
    split = [parts for parts in split if any(_names(*part) for part in parts)]
    if not split:
        return []
    things = things or sorted({*THINGS, *(name for question in questions for name in named_in(question))})
    known = {_content(question) for question in questions}
    found: list[str] = []
    for _ in range(3 * count):
        parts = split[int(rng.integers(len(split)))]
        words = [things[int(rng.integers(len(things)))] if _names(*part) else part[1] for part in parts]
        text = " ".join(words)
        if _content(text) not in known and len(set(words)) == len(words):
            found.append(f"{text}?")
    return found[:count]


def named_in(question: str) -> list[str]:
    """The runs of words that say what a question is about: "the {red sofa} and the {lamp}"."""
    return [text.strip(",:;") for named, text in _forms(question) if _names(named, text)]


def tied_to_view(question: str) -> bool:
    """Whether its answer may change when the camera moves: sides, distance, size, number, presence."""
    return _VIEWED.search(question) is not None


def _forms(question: str) -> list[tuple[bool, str]]:
    """The question in runs of words: those that name things (True) and those of its form."""
    runs = groupby(_words(question), key=lambda word: _plain(word) not in _FORM)
    return [(named, " ".join(words)) for named, words in runs]


def _names(named: bool, text: str) -> bool:
    """Whether a run of words names a thing, and not just a colour."""
    return named and _plain(text) not in COLOURS


def _content(question: str) -> frozenset[str]:
    return frozenset(normalise(question).split()) - _FILLERS


def _words(question: str) -> list[str]:
    return question.rstrip("?.! ").split()


def _plain(word: str) -> str:
    return word.lower().strip(",:;")
