"""From what memory holds of all rooms to a request for the adapter that a new room begins with."""

from collections.abc import Sequence
from dataclasses import replace

from adapters.request import Limits, Request, home_recipe
from adapters.store import HOME, AdapterStore
from agent.learning.requests import examples, probe_folder
from agent.learning.scheduler import LEAST_ROOMS
from agent.turns.turn import Mind
from core.config import Config
from memory.sampling import replay
from memory.store import Memory

_MOST, _ASKED, _JUDGING = 4000, 1000, 400
"""Pairs: of all kinds, of those that people asked, of rooms that judge."""
_EVERY = 5


def home_limits(config: Config) -> Limits:
    """What consolidating may cost; no answer about a room that it has not seen may be lost by it."""
    return Limits(seconds=config.adaptation.home_seconds, loses=0.0)


def home_adaptation(mind: Mind, store: AdapterStore, seed: int) -> Request:
    """`home_request` of all rooms but the one that the mind is in, which has an adapter of its own."""
    request = home_request(mind.memory, mind.student.name, home_limits(mind.config), seed, but=mind.room)
    return replace(request, keep_tokens=mind.config.student.keep_tokens)


def home_request(memory: Memory, base: str, limits: Limits, seed: int, but: str = "") -> Request:
    """Learn from all rooms, always anew from the untouched base, so that nothing adds up over time.

    The pairs are a bounded sample, as many of each room. Every fifth room judges before it is learnt as well.
    The gate compares with the base. Raises ValueError when there is no pair, UnknownModelError.
    """
    pairs = [pair for pair in memory.pairs() if pair.room != but]
    judging = set(judges(list(dict.fromkeys(pair.room for pair in pairs))))
    others = [pair for pair in pairs if pair.room not in judging]
    held = replay([pair for pair in pairs if pair.room in judging], _JUDGING, seed)
    asked = replay([pair for pair in others if pair.asker == "person"], _ASKED, seed)
    extra = replay([pair for pair in others if pair.asker == "agent"], _MOST - len(held) - len(asked), seed)
    if not asked:
        asked, extra = extra, []
    return Request(
        room=HOME,
        base=base,
        train=examples(memory, asked),
        hold_out=examples(memory, held),
        extra=examples(memory, extra),
        probe=probe_folder(base),
        seed=seed,
        recipe=home_recipe(len(extra)),
        limits=limits,
    )


def judges(rooms: Sequence[str]) -> list[str]:
    """Of rooms in the order they were met every fifth, or the last of three or four; of fewer none."""
    every = list(rooms[_EVERY - 1 :: _EVERY])
    return every or list(rooms[-1:] if len(rooms) >= LEAST_ROOMS else ())
