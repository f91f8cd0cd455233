"""Every question that a frame admits, or a balanced sample: same facts and same seed, same questions."""

import re
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from bench.rooms.questions.balance import keep
from bench.rooms.questions.draft import Dice, FrameThings, Question, QuestionDraft
from bench.rooms.questions.several import several_drafts
from bench.rooms.questions.single import single_drafts
from bench.rooms.rendering.facts import FrameFacts
from bench.rooms.world.wordings import indefinite, plural, verb, wordings

# How often a kind is asked, where a frame admits it; its family's share is the sum.
KINDS: dict[str, float] = {
    "colour": 26.0,
    "exist": 5.0, "tinted": 5.0, "lit": 2.0,
    "what_on": 40.0, "what_in": 20.0, "what_colour": 18.0, "what_room": 2.5,
    "what_biggest": 7.0, "what_nearest": 8.0,
    "where": 28.0,
    "position": 8.0,
    "count": 5.0,
    "relation": 5.5,
    "nearer": 1.5, "farther": 1.5, "nearest": 5.0, "bigger": 1.5,
    "made_of": 4.0,
    "pattern": 12.0,
}  # fmt: skip
FAMILIES = (
    "what", "where", "position", "colour", "count", "yesno", "relation", "comparison", "material", "pattern",
)  # fmt: skip
NOTHING: frozenset[str] = frozenset()


def drafts(facts: FrameFacts, dice: Dice) -> list[QuestionDraft]:
    """Everything that can be asked about a frame; of pairs and of colours a thing does not have, some."""
    view = FrameThings(facts)
    return [*single_drafts(view, dice), *several_drafts(view, dice)]


def worded(draft: QuestionDraft, split: str, number: int) -> Question:
    """A draft in the given wording of a split."""
    template = wordings(split)[draft.kind][number]
    slots = dict(draft.slots)
    if "a" in slots:
        slots["is"] = verb(slots["a"])
        slots["Is"] = slots["is"].title()
    if "an" in slots:
        slots["an"] = indefinite(slots["an"])
    if "many" in slots:
        slots["many"] = plural(slots["many"])
    text = template.format(**slots)
    about = (draft.fact, draft.kind, draft.key, draft.slots)
    return Question(text, draft.answer, draft.family, draft.subject, number, *about)


def candidates(facts: FrameFacts, rng: np.random.Generator, split: str) -> list[Question]:
    """Every draft of a frame, each in one wording of the split, in no balance."""
    dice = Dice(rng)
    return [_in_any_words(draft, split, dice) for draft in drafts(facts, dice)]


def sample(
    facts: FrameFacts, rng: np.random.Generator, n: int, split: str, avoid: frozenset[str] = NOTHING
) -> list[Question]:
    """At most `n` different questions about a frame, mixed by family and balanced by answer.

    avoid: names (categories, colours) that neither question nor answer may mention.
    """
    dice = Dice(rng)
    pool = Pool(drafts(facts, dice))
    questions: list[Question] = []
    while len(questions) < n:
        draft = pool.draw(dice)
        if draft is None:
            break
        question = _in_any_words(draft, split, dice)
        if not (avoid and mentions(question, avoid)):
            questions.append(question)
    return questions


def sample_training(
    facts: FrameFacts, rng: np.random.Generator, n: int, avoid: frozenset[str] = NOTHING
) -> list[Question]:
    """`sample` in the wordings of training."""
    return sample(facts, rng, n, "train", avoid)


def mentions(question: Question, names: frozenset[str]) -> bool:
    """Whether a question or its answer has one of the names in it, in the singular or the plural."""
    return bool(names) and _any_of(names).search(f"{question.text} {question.answer}") is not None


@lru_cache(maxsize=16)
def _any_of(names: frozenset[str]) -> re.Pattern[str]:
    spelled = sorted({re.escape(form) for name in names for form in (name, plural(name))})
    return re.compile(rf"\b(?:{'|'.join(spelled)})\b", re.IGNORECASE)


def _in_any_words(draft: QuestionDraft, split: str, dice: Dice) -> Question:
    return worded(draft, split, int(dice.roll() * len(wordings(split)[draft.kind])))


class Pool:
    """Drafts to draw from without replacement: first the kind, by its weight, then the draft, by `keep`.

    A kind whose drafts are all rarely kept is itself drawn rarely: else a lone toilet would be asked
    for its colour as often as a sofa.
    """

    def __init__(self, drafts: list[QuestionDraft]) -> None:
        self._kinds: dict[str, list[QuestionDraft]] = {}
        for draft in drafts:
            self._kinds.setdefault(draft.kind, []).append(draft)
        self._keeps = {kind: [keep(draft) for draft in group] for kind, group in self._kinds.items()}

    def draw(self, dice: Dice, accept: Callable[[QuestionDraft], bool] | None = None) -> QuestionDraft | None:
        """A draft that `accept` takes, or None when there is none left."""
        keeps = self._keeps if accept is None else self._accepted(accept)
        weights = {kind: KINDS[kind] * min(1.0, sum(group)) for kind, group in keeps.items()}
        total = sum(weights.values())
        if total <= 0:
            return None
        kind = list(weights)[_index(list(weights.values()), dice.roll() * total)]
        position = _index(keeps[kind], dice.roll() * sum(keeps[kind]))
        self._keeps[kind][position] = 0.0
        return self._kinds[kind][position]

    def _accepted(self, accept: Callable[[QuestionDraft], bool]) -> dict[str, list[float]]:
        return {
            kind: [k if k and accept(draft) else 0.0 for k, draft in zip(keeps, drafts, strict=True)]
            for (kind, keeps), drafts in zip(self._keeps.items(), self._kinds.values(), strict=True)
        }


def _index(weights: list[float], point: float) -> int:
    """Where a point in [0, sum of weights) falls; never on a weight of nothing."""
    last = 0
    for position, weight in enumerate(weights):
        if weight > 0:
            if point < weight:
                return position
            point -= weight
            last = position
    return last
