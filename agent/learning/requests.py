"""From what memory holds of a room to a request for an adapter."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from adapters.jobs.request import JobLimits, Request, recipe_for
from adapters.jobs.store import HOME, AdapterStore
from agent.turns.answerers import Answerers
from core.files import cache_dir
from core.types import Example, Pair
from memory.sampling import replay, split
from memory.store import Memory
from models.lora import base_of

_REHEARSED = 16
"""Pairs of other rooms, at most."""


def adaptation_request(answerers: Answerers, room: str, store: AdapterStore, seed: int) -> Request:
    """`room_request` as a session is configured."""
    config = answerers.config
    limits = JobLimits(seconds=config.adaptation.seconds)
    request = room_request(answerers.memory, room, answerers.student.name, store, limits, seed)
    return replace(request, keep_tokens=config.student.keep_tokens)


def room_request(
    memory: Memory,
    room: str,
    base: str,
    store: AdapterStore,
    limits: JobLimits,
    seed: int,
) -> Request:
    """Learn all pairs of a room, some held out to judge by, some of other rooms to rehearse.

    If there is home, that is what it builds upon, and what it is compared with before the room has an
    adapter of its own. The probe set is the base's own, which the first job makes. Raises ValueError when
    the room has no pair, UnknownModelError, WeightsError.
    """
    held = memory.pairs(room)
    pairs = [pair for pair in held if pair.asker == "person"]
    extra = [pair for pair in held if pair.asker == "agent"]
    home = store.current(HOME)
    current = store.current(room) or home
    seen = {id for version in (current, home) if version for id in version.about.get("pairs", ())}
    parted = split(pairs, seed=seed, trained=seen)
    others = [pair for pair in memory.pairs() if pair.room != room]
    return Request(
        room=room,
        base=base,
        train=examples(memory, parted.train),
        hold_out=examples(memory, parted.held_out),
        extra=examples(memory, extra),
        replay=examples(memory, replay(others, _REHEARSED, seed)),
        current=current.folder if current else None,
        probe=probe_folder(base),
        parent=home.folder if home else None,
        seed=seed,
        recipe=recipe_for(len(extra)),
        limits=limits,
    )


def probe_folder(base: str) -> Path:
    """Where the probe set of a base is kept; it can always be made again."""
    return cache_dir() / "probes" / base_of(base).digest[:16]


def examples(memory: Memory, pairs: Sequence[Pair]) -> list[Example]:
    """The pairs with their files."""
    return [
        Example(pair.id, pair.question, pair.answer, memory.frame_path(pair), memory.signal_path(pair))
        for pair in pairs
    ]
