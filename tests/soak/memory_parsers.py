"""Memories, their exports and what is beside them."""

import contextlib
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tiny_memory import embedder, frame

from core.types import Asker
from memory.bearing import FEATURES
from memory.index import read_vectors
from memory.recall import embed_cue
from memory.store import Memory
from memory.transfer import export, import_
from memory.votes import Ballot, fit, read_votes, write_votes
from soak.parser import Parser


def _prepare_memory(folder: Path) -> Sequence[str]:
    asker: Asker = "agent"
    with Memory.open(folder / "memory", embedder()) as memory:
        for number in range(6):
            memory.add("den", frame(number), f"What is {number}?", "a sofa", "expert", "e", asker=asker)
        memory.correct(memory.pairs()[0].id, "a chair")
        export(memory, folder / "export")
    return ["memory/memory.sqlite3"]


def _read_memory(folder: Path) -> None:
    with Memory.open(folder / "memory", embedder(), read_only=True) as memory:
        for pair in memory.pairs():
            memory.history(pair)
        list(memory.scores(embed_cue(embedder(), "What is 1?", frame().picture), "den"))


def _prepare_export(folder: Path) -> Sequence[str]:
    _prepare_memory(folder)
    return ["export/memory.json", "export/pairs.jsonl", "export/pairs.jsonl"]


def _read_export(folder: Path) -> None:
    """With the sums made anew, so that what is inside is read."""
    about, pairs = folder / "export" / "memory.json", (folder / "export" / "pairs.jsonl").read_bytes()
    with contextlib.suppress(ValueError, TypeError, RecursionError):
        values = json.loads(about.read_bytes())
        about.write_text(json.dumps({**values, "sha256": hashlib.sha256(pairs).hexdigest()}))
    with Memory.open(folder / "another", embedder()) as memory:
        import_(memory, folder / "export")


def _prepare_index(folder: Path) -> Sequence[str]:
    _prepare_memory(folder)
    return ["memory/vectors.safetensors"]


_BALLOT = Ballot(np.zeros((3, len(FEATURES)), np.float32), np.array([0, 1, 1]), 1)


def _prepare_votes(folder: Path) -> Sequence[str]:
    write_votes(folder / "votes", fit(lambda step: [_BALLOT], 0, steps=1))
    return ["votes"]


def _read_votes(folder: Path) -> None:
    votes = read_votes(folder / "votes")
    if votes is not None:
        votes.shares(_BALLOT, 2)


PARSERS = (
    Parser("memory database", _prepare_memory, _read_memory, 10),
    Parser("memory export", _prepare_export, _read_export, 10),
    Parser("memory vectors", _prepare_index, lambda f: read_vectors(f / "memory", {1: b"x" * 32}), 1),
    Parser("memory with spoilt vectors", _prepare_index, _read_memory, 10),
    Parser("votes", _prepare_votes, _read_votes),
)  # fmt: skip
