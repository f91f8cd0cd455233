"""What is said in the voice bench, and how many words of it were heard wrong."""

import re
from collections.abc import Sequence

import numpy as np

from bench.rooms.catalogue.index import BUILDERS
from bench.rooms.world.palette import COLOURS
from bench.rooms.world.wordings import indefinite, plural, verb, wordings

# Spoken alike, written in two ways; and how Whisper writes what it hears of small numbers.
_ALIKE = {"colour": "color", "grey": "gray", "tvs": "tv", "television": "tv", "bookshelf": "book shelf"}
_IN_LETTERS = "zero one two three four five six seven eight nine ten".split()
_NUMBERS = {str(value): word for value, word in enumerate(_IN_LETTERS)}
_JOINERS = re.compile(r"['\u2019]")
_OTHER = re.compile(r"[^\w]+|_")


def sentences(count: int, seed: int) -> list[str]:
    """Questions about rooms, in wordings that nothing was trained on; the same for the same seed."""
    rng = np.random.default_rng([seed, 6])
    kinds = wordings("test")
    names = list(kinds)
    order = [names[index] for index in rng.permutation(len(names))]
    return [_fill(kinds[order[number % len(order)]], rng) for number in range(count)]


def _fill(choices: Sequence[str], rng: np.random.Generator) -> str:
    a, b, c = (str(name) for name in rng.choice(sorted(BUILDERS), 3, replace=False))
    colour = str(rng.choice(sorted(COLOURS)))
    return choices[int(rng.integers(len(choices)))].format(
        a=a, b=b, c=c, an=indefinite(a), many=plural(a), colour=colour,
        **{"is": verb(a), "Is": verb(a).capitalize()},
    )  # fmt: skip


def words(text: str) -> list[str]:
    """The words of a text as they sound: lower case, no punctuation, one spelling, numbers in letters."""
    plain = _OTHER.sub(" ", _JOINERS.sub("", text.lower())).split()
    alike = " ".join(_ALIKE.get(word, word) for word in plain).split()
    return [_NUMBERS.get(word, word) for word in alike]


def word_errors(reference: Sequence[str], transcript: Sequence[str]) -> int:
    """The edit distance in words from the reference to the transcript."""
    row = list(range(len(transcript) + 1))
    for count, left in enumerate(reference, start=1):
        diagonal, row[0] = row[0], count
        for column, right in enumerate(transcript, start=1):
            cheapest = min(row[column] + 1, row[column - 1] + 1, diagonal + (left != right))
            diagonal, row[column] = row[column], cheapest
    return row[-1]
