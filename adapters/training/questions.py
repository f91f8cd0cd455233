"""Questions that fit any room, to see what adapting changes."""

from collections.abc import Iterable, Sequence

import numpy as np

from core.scoring import normalise

THINGS = (
    "sofa chair table lamp rug bed shelf plant picture window door television book cup cushion box vase "
    "clock desk armchair cabinet bottle bowl laptop bin stool mirror radiator basket pillow"
).split()
"""Common things."""
_COLOURS = "red blue green yellow white black gray brown pink orange".split()
_FORMS = (
    "What colour is the {a}?",
    "Where is the {a}?",
    "Is there a {a} in the picture?",
    "How many {a}s are there?",
    "What is on the {a}?",
    "Is the {a} to the left or to the right of the {b}?",
    "Which is nearer, the {a} or the {b}?",
    "Which is bigger, the {a} or the {b}?",
    "Is the {a} on the left, in the middle or on the right?",
    "What is the {a} made of?",
    "What pattern does the {a} have?",
    "Is the {a} {c}?",
    "What is the {c} thing?",
    "What is the nearest thing?",
    "What is the biggest thing in the picture?",
    "What kind of room is this?",
)
_EMPTY = frozenset("is are there what which where how in on of or to do does you see it this".split())
_ALIKE = 0.5


def general_questions(count: int, rng: np.random.Generator) -> list[str]:
    """`count` random questions, possibly with repeats."""
    drawn = []
    for _ in range(count):
        first, second = rng.choice(THINGS, 2, replace=False)
        form = _FORMS[int(rng.integers(len(_FORMS)))]
        drawn.append(form.format(a=first, b=second, c=_COLOURS[int(rng.integers(len(_COLOURS)))]))
    return drawn


def unlike(questions: Iterable[str], others: Sequence[str]) -> list[str]:
    """Questions that share too few words with the known ones to ask the same.

    Anchors must not keep the answers that training is to change.
    """
    known_words = [_words(question) for question in others]
    return [
        question
        for question in questions
        if all(_alike(_words(question), words) < _ALIKE for words in known_words)
    ]


def _words(question: str) -> frozenset[str]:
    return frozenset(normalise(question).split()) - _EMPTY


def _alike(first: frozenset[str], second: frozenset[str]) -> float:
    return len(first & second) / max(1, len(first | second))
