"""How each kind of question is put into words. Training and held-out wordings have no sentence in common.

Every word of a held-out wording also occurs in training, so what is measured is another way of asking,
not another language. Slots: {a} {b} {c} names without article, {an} with the indefinite one, {is}/{Is}
agreeing with {a}, {many} a plural, {colour} a colour name. The sentences themselves are in wordings.json.
"""

import json
from pathlib import Path

_PLURALS = {
    "shelf": "shelves", "bookshelf": "bookshelves", "toothbrush": "toothbrushes", "bench": "benches",
    "couch": "couches", "box": "boxes", "radio": "radios", "tv": "tvs", "curtains": "curtains",
}  # fmt: skip
_PLURAL_NAMES = frozenset({"curtains"})


def plural(name: str) -> str:
    """A name in the plural: "office chair" -> "office chairs", "shelf" -> "shelves"."""
    *before, last = name.split(" ")
    return " ".join([*before, _PLURALS.get(last) or f"{last}s"])


def indefinite(name: str) -> str:
    """A name with its indefinite article: "an armchair", "a rug"; "curtains" takes none."""
    if name.split(" ")[-1] in _PLURAL_NAMES:
        return name
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def verb(name: str) -> str:
    """ "is", or "are" for what is only ever several."""
    return "are" if name.split(" ")[-1] in _PLURAL_NAMES else "is"


def _read(part: str) -> dict[str, tuple[str, ...]]:
    kinds = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))[part]
    return {kind: tuple(sentences) for kind, sentences in kinds.items()}


TRAINING, HELD_OUT = _read("training"), _read("held_out")


def wordings(split: str) -> dict[str, tuple[str, ...]]:
    """The wordings of a split by kind: training has its own, validation and test share the held-out ones."""
    return TRAINING if split == "train" else HELD_OUT
