"""The findings of a check-up, by groups that are generators, so that quick ones show first."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from core.errors import RoomwiseError

State = Literal["ok", "missing", "broken"]
"""`missing` things are optional."""


@dataclass(frozen=True)
class Finding:
    """One part: its state, what was found, and the fix, "" for none needed."""

    name: str
    state: State
    found: str
    fix: str = ""


def check(name: str, probe: Callable[[], str]) -> Finding:
    """What `probe` finds; broken, with its message, when it raises a RoomwiseError."""
    try:
        return Finding(name, "ok", probe())
    except RoomwiseError as error:
        return broken(name, error)


def broken(name: str, error: RoomwiseError) -> Finding:
    """The finding that an error is."""
    problem, _, fix = str(error).partition(". ")
    return Finding(name, "broken", problem, fix)


Group = Callable[[], Iterator[Finding]]
