"""What a check-up finds: one line a part, and the line that puts it right.

Every group of checks is a generator of findings, so that what is quick is shown before what is slow. A check
never raises for what is wrong with the machine: that is what it finds.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from core.errors import RoomwiseError

State = Literal["ok", "missing", "broken"]
"""`missing`: something that one can do without."""


@dataclass(frozen=True)
class Finding:
    """One part: how it is, what is there, and what to type or do, empty where nothing needs doing."""

    name: str
    state: State
    found: str
    fix: str = ""


def tried(name: str, look: Callable[[], str]) -> Finding:
    """Whatever `look` finds; broken, in its own words, when it raises an error that a user can put right."""
    try:
        return Finding(name, "ok", look())
    except RoomwiseError as error:
        said, _, fix = str(error).partition(". ")
        return Finding(name, "broken", said, fix)


Group = Callable[[], Iterator[Finding]]
