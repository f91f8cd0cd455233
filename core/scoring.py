"""Compare an answer with a reference: exact match, NLS and ANLS.

Exact match is after `normalise`. NLS is one minus the Levenshtein distance over the longer length.
ANLS (Biten et al. 2019, arXiv 1905.13648) is 0 below a threshold and takes the best reference. Both compare
lower-cased text without `normalise`, like their sources.
"""

import re
from collections.abc import Iterable

_ARTICLES = frozenset({"a", "an", "the"})
_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_DIGITS = {word: str(value) for value, word in enumerate(_UNITS)}
_DIGITS |= {word: str(value) for value, word in zip(range(20, 100, 10), _TENS, strict=True)}
# A point between digits is part of a number (1.5 metres); an apostrophe joins (it's -> its).
_JOINERS = re.compile(r"['\u2019`]")
_PUNCTUATION = re.compile(r"(?<!\d)\.|\.(?!\d)|[^\w\s.]|_")


def normalise(text: str) -> str:
    """Lower case, no punctuation, no articles, number words up to ninety-nine as digits, single spaces.

    Idempotent. A text of articles alone keeps them: "a" answers "which letter is on the wall?".
    """
    folded = text.lower()
    words = _PUNCTUATION.sub(" ", _JOINERS.sub("", folded)).split()
    kept = [word for word in words if word not in _ARTICLES] or words
    return " ".join(_numbers(kept))


def _numbers(words: list[str]) -> Iterable[str]:
    """Number words as digits; a ten and a unit that follows it ("twenty one") are one number."""
    position = 0
    while position < len(words):
        word = words[position]
        unit = words[position + 1] if position + 1 < len(words) else ""
        if word in _TENS and unit in _UNITS[1:10]:
            yield str(int(_DIGITS[word]) + int(_DIGITS[unit]))
            position += 2
        else:
            yield _DIGITS.get(word, word)
            position += 1


def exact_match(prediction: str, reference: str) -> bool:
    """Whether both are the same after `normalise`."""
    return normalise(prediction) == normalise(reference)


def levenshtein(first: str, second: str) -> int:
    """The least number of inserted, deleted or replaced characters that makes one text the other."""
    row = list(range(len(second) + 1))
    for count, left in enumerate(first, start=1):
        diagonal, row[0] = row[0], count
        for column, right in enumerate(second, start=1):
            cheapest = min(row[column] + 1, row[column - 1] + 1, diagonal + (left != right))
            diagonal, row[column] = row[column], cheapest
    return row[-1]


def nls(prediction: str, reference: str) -> float:
    """Normalised Levenshtein similarity in [0, 1] of the lower-cased texts; 1 when both are empty."""
    left, right = prediction.lower().strip(), reference.lower().strip()
    longest = max(len(left), len(right))
    return 1.0 - levenshtein(left, right) / longest if longest else 1.0


def anls(prediction: str, references: Iterable[str], threshold: float = 0.5) -> float:
    """The best `nls` over the references, counting those whose distance reaches the threshold as 0."""
    scores = [nls(prediction, reference) for reference in references]
    return max((score for score in scores if 1.0 - score < threshold), default=0.0)
