"""Builds adaptation requests from the pairs of a room."""

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
"""At most so many pairs of other rooms."""


def adaptation_request(answerers: Answerers, room: str, store: AdapterStore, seed: int) -> Request:
    """`room_request` as a session is configured."""
    config = answerers.config
    limits = JobLimits(seconds=config.adaptation.seconds)
    request = room_request(answerers.memory, room, answerers.student.name, store, limits, seed)
    return replace(request, keep_tokens=config.student.keep_tokens)


def room_request(
    memory: Memory, room: str, base: str, store: AdapterStore, limits: JobLimits, seed: int
) -> Request:
    """Learn all pairs of a room, hold some out to judge by, rehearse some of other rooms. It builds on home,
    if there is one, and is compared with it until the room has an adapter. The probe set is the base's own,
    made by the first job. Raises ValueError when the room has no pair, UnknownModelError, WeightsError.
    """
    room_pairs = memory.pairs(room)
    pairs = [pair for pair in room_pairs if pair.asker == "person"]
    extra = [pair for pair in room_pairs if pair.asker == "agent"]
    home = store.current(HOME)
    current = store.current(room) or home
    trained = {id for version in (current, home) if version for id in version.about.get("pairs", ())}
    parts = split(pairs, seed=seed, trained=trained)
    others = [pair for pair in memory.pairs() if pair.room != room]
    return Request(
        room=room,
        base=base,
        train=examples(memory, parts.train),
        hold_out=examples(memory, parts.held_out),
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
    """Where the probe set of a base is cached."""
    return cache_dir() / "probes" / base_of(base).digest[:16]


def examples(memory: Memory, pairs: Sequence[Pair]) -> list[Example]:
    return [
        Example(pair.id, pair.question, pair.answer, memory.frame_path(pair), memory.signal_path(pair))
        for pair in pairs
    ]
