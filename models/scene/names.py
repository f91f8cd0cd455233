"""Class names of scenes: ScanNet's 21, and a generic list for training."""

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
"""Pseudo labels for training frames, never the names that are tested."""


def prompt(name: str) -> str:
    """EdgeVL's prompt for CLIP (its code; indoors)."""
    return f"a photo of {with_article(name)}"


def prompts(names: Sequence[str]) -> list[str]:
    """A prompt per name. Raises InputError, see `check_names`."""
    return [prompt(name) for name in check_names(names)]


def alternatives(name: str) -> list[str]:
    """The alternatives in a name such as "bedroom / hotel"."""
    return [part.strip() for part in name.split(" / ") if part.strip()]


def check_names(names: Sequence[str]) -> list[str]:
    """The stripped names. Raises InputError for fewer than two, and for duplicates, which would share their
    confidence.
    """
    stripped = [name.strip() for name in names if name.strip()]
    if len(stripped) < 2:
        raise InputError(f"{len(stripped)} class names are too few to choose from. Give two or more.")
    seen: set[str] = set()
    for name in stripped:
        if name.casefold() in seen:
            raise InputError(f"The class name {name!r} is there twice. Delete one of them.")
        seen.add(name.casefold())
    return stripped


def class_rows(text: Callable[[Sequence[str]], Rows], names: Sequence[str]) -> Rows:
    """Unit rows float32 [classes, d], one per name; for "bedroom / hotel" the mean of both.

    Raises InputError, see `check_names`.
    """
    parts = [alternatives(name) for name in check_names(names)]
    rows = text([prompt(part) for group in parts for part in group])
    ends = np.cumsum([len(group) for group in parts])
    means = np.stack([group.mean(0) for group in np.split(rows, ends[:-1])])
    units: Rows = (means / np.linalg.norm(means, axis=1, keepdims=True)).astype(np.float32)
    return units


class CentredText:
    """A text encoder minus the mean sentence about places, so that rows differ in what tells places apart.

    MiniLM's sentences about any two places are much alike: to a student, all classes would lie in nearly the
    same direction.
    """

    def __init__(self, text: Callable[[list[str]], Rows]) -> None:
        self._text = text
        self._middle = text(prompts(GENERIC)).mean(0)

    def text(self, texts: Sequence[str]) -> Rows:
        """Unit rows float32 [n, d]."""
        moved = self._text(list(texts)) - self._middle
        rows: Rows = (moved / np.linalg.norm(moved, axis=1, keepdims=True).clip(1e-6)).astype(np.float32)
        return rows
