"""Questions of many rooms as arrays, to compare all of them with one at once."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from core.ports import Rows
from core.scoring import normalise
from memory.wording import Form, fold, form_of, phrases

Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Line:
    """A question in a room about a frame; `answer` is None while it has none."""

    room: str
    question: str
    frame: str
    answer: str | None = None


class VectorTable:
    """Lines with their vectors: `text` float32 [n, d] and `view` float32 [n, d2], rows of length 1.

    Answers with the same `normalise` are one. `answer` int64 [n] numbers them, -1 for none; `answers` has
    the most frequent words of each.
    """

    def __init__(self, lines: Sequence[Line], text: Rows, view: Rows) -> None:
        if not len(lines) == len(text) == len(view):
            raise ValueError(f"{len(lines)} lines, but {len(text)} and {len(view)} vectors")
        self.lines, self.text, self.view = lines, text, view
        keys = [None if line.answer is None else normalise(line.answer) for line in lines]
        texts = sorted({key for key in keys if key})
        numbers = {key: place for place, key in enumerate(texts)}
        self.answer: Numbers = np.array([numbers.get(key or "", -1) for key in keys], np.int64)
        self.answers = _usual_words(lines, self.answer, len(texts))
        self.room = _number([line.room for line in lines])
        self.frame = _number([line.frame for line in lines])
        self.forms: list[Form] = [form_of(line.question) for line in lines]
        self.kind = _number([form.kind for form in self.forms])
        self.side = _number([form.side for form in self.forms])
        self.about = _number([" ".join(form.things) for form in self.forms])
        self._things = [frozenset(form.things) for form in self.forms]
        self._sizes = np.array([len(things) for things in self._things], np.float64)
        self._folded = [fold(key) for key in texts]

    @cached_property
    def named(self) -> Flags:
        """Which questions name which answers, bool [n, answers]."""
        places: dict[str, list[int]] = {}
        for place, words in enumerate(self._folded):
            places.setdefault(words, []).append(place)
        flags = np.zeros((len(self.lines), len(self.answers)), bool)
        for row, line in zip(flags, self.lines, strict=True):
            for phrase in phrases(line.question) & places.keys():
                row[places[phrase]] = True
        return flags

    def words(self, question: int, lines: Numbers) -> NDArray[np.float64]:
        """Cosines [lines] of these questions' content words with those of `question`."""
        about = self._things[question]
        shared = [len(about & self._things[line]) for line in lines]
        sizes = self._sizes[lines] * self._sizes[question]
        return np.asarray(np.array(shared, np.float64) / np.maximum(np.sqrt(sizes), 1))

    def things(self, answered: Numbers, asked: Numbers) -> Flags:
        """The contents of a room by its answers and the things that questions name, bool [answers]."""
        present: Flags = np.any(self.named[asked], axis=0, keepdims=True)[0]
        present[self.answer[answered]] = True
        return present


def _number(values: Sequence[str]) -> Numbers:
    return np.unique(np.array(values, dtype=np.str_), return_inverse=True)[1].astype(np.int64).reshape(-1)


def _usual_words(lines: Sequence[Line], answer: Numbers, count: int) -> list[str]:
    counters: list[Counter[str]] = [Counter() for _ in range(count)]
    for line, number in zip(lines, answer, strict=True):
        if number >= 0:
            counters[number][line.answer or ""] += 1
    return [counter.most_common(1)[0][0] for counter in counters]
