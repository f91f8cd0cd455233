"""Search pairs by question, by view, or by both, and detect a question that was asked before."""

import re
from dataclasses import dataclass

from PIL.Image import Image

from core.ports import Embedder
from core.scoring import normalise
from core.sections import MemoryConfig
from core.types import Pair
from memory.index import Cue
from memory.store import Memory

_SPELLINGS = {"colour": "color", "colours": "colors", "grey": "gray", "many": "number"}
# Words that do not say what a question is about: two wordings of one question may differ in them.
_ASKING = frozenset(
    "what which how is are am be do does did have has you i me we can could would will please tell say see "
    "seen look looks know that there it its this if whether or in of for to my our your here now room "
    "picture image view frame shown object thing item kind sort type".split()
)
# Beginnings of yes/no questions, unless they offer a choice. A miss costs no wrong answer.
_POLAR = re.compile(r"(?:tell me (?:if|whether)|is|are|was|do|does|did|has|have|can|could|would|will)\b")
_BEFORE_SIDES = re.compile(r"\b(?:on|in|to|at) (?=(?:left|right|middle)\b)")
_SIDES = frozenset({"left", "right", "middle"})
_CHOICE = re.compile(r"\bor\b")


@dataclass(frozen=True)
class Hit:
    """A search result. Similarities are in [-1, 1], None where not searched by; `score` is their weighted
    mean.
    """

    pair: Pair
    score: float
    question: float | None
    view: float | None


def embed_cue(embedder: Embedder, question: str | None = None, image: Image | None = None) -> Cue:
    """Embed what to search by; the result also serves `Memory.add`."""
    return Cue(
        None if question is None else embedder.text([question])[0],
        None if image is None else embedder.image([image])[0],
    )


def search(
    memory: Memory, cue: Cue, room: str | None = None, k: int | None = 5, question_weight: float = 0.5
) -> list[Hit]:
    """The `k` most similar pairs (None: all) of a room, or of all; best first, older first.

    `question_weight` in [0, 1] counts only when the cue has both question and view.
    """
    hits = [
        Hit(pair, _blend(question, view, question_weight), question, view)
        for pair, question, view in memory.scores(cue, room)
    ]
    return sorted(hits, key=lambda hit: -hit.score)[:k]


def asked_before(question: str, hit: Hit, config: MemoryConfig) -> bool:
    """Whether the hit's pair is the same question about practically the same view.

    To an embedder "left of" and "right of" are as similar as two wordings of one question, and word order
    hardly counts. So the content words must also be the same, in the same order.
    """
    if hit.question is None or hit.view is None:
        return False
    alike = hit.question >= config.same_question and hit.view >= config.same_view
    return alike and content_words(question) == content_words(hit.pair.question)


def content_words(question: str) -> tuple[bool, list[str]]:
    """Whether it is a yes/no question, and its content words in one spelling."""
    text = _BEFORE_SIDES.sub("", normalise(question))
    words = [_SPELLINGS.get(word, word) for word in text.split() if word not in _ASKING]
    is_choice = _CHOICE.search(text) is not None
    if is_choice and set(words) >= _SIDES:
        # "Left, middle or right" is one question in whatever order it is put.
        words = ["side", *(word for word in words if word not in _SIDES)]
    if is_choice:
        words = [word for word in words if word != "where"]  # the choice says so
    return _POLAR.match(text) is not None and not is_choice, words


def _blend(question: float | None, view: float | None, weight: float) -> float:
    if question is None or view is None:
        return next((score for score in (question, view) if score is not None), 0.0)
    return weight * question + (1 - weight) * view
