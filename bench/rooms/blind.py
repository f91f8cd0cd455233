"""A reader who never sees a picture: what the text of a question alone gives away.

It knows the kind of question and the names in it, so it is stronger than one that counts texts. It learns
how common answers are in training rooms: for these very names as far as it has met them, else for such
questions at large. Of things compared it takes the likelier winner.
"""

from collections import Counter
from collections.abc import Iterable

from bench.rooms.questions.balance import COMPARED
from bench.rooms.questions.draft import Question
from core.scoring import exact_match

_PRIOR = 20  # what is known of a wider key counts as this many questions of the narrower one


class BlindReader:
    """Answers counted by key, by kind and first name, by kind; how often each category wins."""

    def __init__(self) -> None:
        self._answers: dict[str, Counter[str]] = {}
        self._wins: dict[str, Counter[bool]] = {}

    def learn(self, questions: Iterable[Question]) -> "BlindReader":
        """Count the answers of training questions."""
        for question in questions:
            if question.kind in COMPARED:
                for name, won in _contest(question):
                    self._wins.setdefault(name, Counter())[won] += 1
            else:
                for key in _keys(question):
                    self._answers.setdefault(key, Counter())[question.answer] += 1
        return self

    def guess(self, question: Question) -> str:
        """The answer it would give."""
        if question.kind in COMPARED:
            rates = [
                (self._rate(name), slot) for (name, _), slot in zip(_contest(question), "abc", strict=False)
            ]
            return question.slots[max(rates, key=lambda pair: pair[0])[1]]
        belief: dict[str, float] = {}
        for key in reversed(_keys(question)):
            counts = self._answers.get(key, Counter())
            weight = counts.total() + _PRIOR
            answers = belief.keys() | counts.keys()
            belief = {a: (counts[a] + _PRIOR * belief.get(a, 0.0)) / weight for a in answers}
        return max(sorted(belief), key=belief.__getitem__, default="yes")

    def is_right(self, question: Question) -> bool:
        """Whether its guess is the answer, after normalisation."""
        return exact_match(self.guess(question), question.answer)

    def _rate(self, name: str) -> float:
        wins = self._wins.get(name, Counter())
        return (wins[True] + 1) / (wins.total() + 2)


def _keys(question: Question) -> list[str]:
    """From what tells most to what tells least: with every name, the first name, the kind alone."""
    names = question.key.split("|")
    exact = "|".join((question.kind, *question.slots.values()))
    return list(dict.fromkeys((exact, question.key, "|".join(names[:2]), question.kind)))


def _contest(question: Question) -> list[tuple[str, bool]]:
    kind, *names = question.key.split("|")
    won = [name == question.answer for name in question.slots.values()]
    return [(f"{kind}|{name}", w) for name, w in zip(names, won, strict=True)]
