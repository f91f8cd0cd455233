"""Class names of scenes: the usual 21, a generic list to choose training frames by."""

from collections.abc import Sequence

from core.errors import InputError
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
