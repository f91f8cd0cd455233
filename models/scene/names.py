"""Class names of scenes: the usual 21, a generic list to choose training frames by."""

from collections.abc import Callable, Sequence

import numpy as np

from core.errors import InputError
from core.ports import Rows
from core.text import with_article

SCANNET = (
    "apartment", "bathroom", "bedroom / hotel", "bookstore / library", "classroom", "closet",
    "computer cluster", "conference room", "copy / mail room", "dining room", "game room", "gym", "hallway",
    "kitchen", "laundry room", "living room / lounge", "lobby", "misc", "office", "stairs",
    "storage / basement / garage",
)  # fmt: skip
"""The scene types of ScanNet (Dai et al., CVPR 2017)."""

GENERIC = (
    "attic", "balcony", "bar", "basement", "bathroom", "bedroom", "cafeteria", "child's room", "classroom",
    "cloakroom", "clothing shop", "conservatory", "corridor", "dining room", "entrance hall",
    "exhibition hall", "garage", "greenhouse", "guest room", "gym", "hotel room", "kitchen", "laboratory",
    "laundry room", "library", "living room", "locker room", "lounge", "meeting room", "music room", "office",
    "open-plan office", "pantry", "playroom", "reception", "restaurant", "sauna", "staircase", "storeroom",
    "studio flat", "study", "toilet", "utility room", "waiting room", "workshop",
)  # fmt: skip
"""Places that a training frame may show: pseudo labels are of these, never of the names that are tested."""


def prompt(name: str) -> str:
    """A photograph of it, as EdgeVL asks CLIP (its code; indoors)."""
    return f"a photo of {with_article(name)}"


def prompts(names: Sequence[str]) -> list[str]:
    """One a name. Raises InputError, see `checked`."""
    return [prompt(name) for name in checked(names)]


def alternatives(name: str) -> list[str]:
    """The parts of a name such as "bedroom / hotel": whichever of them it is, it is that class."""
    return [part.strip() for part in name.split(" / ") if part.strip()]


def checked(names: Sequence[str]) -> list[str]:
    """The names without surrounding blanks.

    Raises InputError when there are fewer than two or one comes twice: its two copies would share what
    confidence there is, and the scene would look doubtful for ever.
    """
    found = [name.strip() for name in names if name.strip()]
    if len(found) < 2:
        raise InputError(f"{len(found)} class names are too few to choose from. Give two or more.")
    known: set[str] = set()
    for name in found:
        if name.casefold() in known:
            raise InputError(f"The class name {name!r} is there twice. Delete one of them.")
        known.add(name.casefold())
    return found


def class_rows(text: Callable[[Sequence[str]], Rows], names: Sequence[str]) -> Rows:
    """Unit rows float32 [classes, d], one a name; of "bedroom / hotel" the mean of what either is.

    Raises InputError when a name comes twice.
    """
    parts = [alternatives(name) for name in checked(names)]
    rows = text([prompt(part) for group in parts for part in group])
    ends = np.cumsum([len(group) for group in parts])
    means = np.stack([some.mean(0) for some in np.split(rows, ends[:-1])])
    found: Rows = (means / np.linalg.norm(means, axis=1, keepdims=True)).astype(np.float32)
    return found


class Words:
    """A text encoder's sentences less what is common to all places: what is left tells places apart.

    Sentences about any two places are much alike to MiniLM; a student that is off by a little would find all
    classes in the same direction.
    """

    def __init__(self, text: Callable[[list[str]], Rows]) -> None:
        self._text = text
        self._middle = text(prompts(GENERIC)).mean(0)

    def text(self, texts: Sequence[str]) -> Rows:
        """Unit rows float32 [n, d]."""
        moved = self._text(list(texts)) - self._middle
        rows: Rows = (moved / np.linalg.norm(moved, axis=1, keepdims=True).clip(1e-6)).astype(np.float32)
        return rows
