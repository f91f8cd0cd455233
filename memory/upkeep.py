"""Bring the index up to date with the pairs, whatever became of its file."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from core.errors import ImageError, StorageError
from core.files import storage_errors
from core.frames import decode
from core.ports import Embedder, Rows
from core.types import Pair
from memory.blobs import FRAME, Blobs
from memory.index import FILE, Index, Vectors, key, read_vectors, write_vectors

_BATCH = 16
Notice = Callable[[str], None]


def update_index(
    folder: Path, pairs: dict[int, Pair], blobs: Blobs, embedder: Embedder, notice: Notice
) -> tuple[Index, bool]:
    """An index of these pairs, and whether it differs from the one in `folder`.

    Missing vectors are made. `notice` gets a sentence when all had to be made again, and about each
    unreadable frame.
    """
    keys = {number: key(pair) for number, pair in pairs.items()}
    stored = read_vectors(folder, keys, embedder.name)
    if isinstance(stored, str):
        if pairs:
            notice(f"The index of memory is made again from {len(pairs)} pairs: {stored}.")
        index, stale = Index(), bool(pairs)
    else:
        index, stale = Index(stored.vectors), stored.stale
    present = set() if index.vectors is None else set(index.vectors.numbers.tolist())
    missing = [number for number in pairs if number not in present]
    for start in range(0, len(missing), _BATCH):
        batch = {number: pairs[number] for number in missing[start : start + _BATCH]}
        index.add(_embed_pairs(batch, blobs, embedder, notice))
    return index, stale or bool(missing)


def save_index(folder: Path, index: Index, pairs: dict[int, Pair], notice: Notice) -> None:
    """Write the index's vectors.

    They can be made again, so a full disk is only noticed. An outdated file is deleted then, since it may
    hold the vectors of a deleted pair.
    """
    if index.vectors is None:
        return
    try:
        write_vectors(folder, index.vectors, {number: key(pair) for number, pair in pairs.items()})
    except StorageError as error:
        notice(f"The index of memory will be made again next time. {error}")
        with storage_errors("delete", folder / FILE):
            (folder / FILE).unlink(missing_ok=True)


def prune_index(folder: Path, pairs: dict[int, Pair], notice: Notice) -> None:
    """Keep only vectors of these pairs in the file, without an embedder."""
    stored = read_vectors(folder, {number: key(pair) for number, pair in pairs.items()})
    if not isinstance(stored, str) and stored.stale:
        save_index(folder, Index(stored.vectors), pairs, notice)


def _embed_pairs(batch: dict[int, Pair], blobs: Blobs, embedder: Embedder, notice: Notice) -> Vectors:
    text = embedder.text([pair.question for pair in batch.values()])
    views = [_embed_view(pair, blobs, embedder, notice) for pair in batch.values()]
    nothing = np.zeros_like(embedder.image([Image.new("RGB", (32, 32))])[0])
    rows = np.stack([nothing if view is None else view for view in views])
    return Vectors(embedder.name, np.array(list(batch), np.int64), text, rows)


def _embed_view(pair: Pair, blobs: Blobs, embedder: Embedder, notice: Notice) -> Rows | None:
    """The frame's vector [d2]; None when the frame is lost."""
    try:
        picture = decode(blobs.get(pair.frame, FRAME), f"The frame of {pair.id}")
    except (StorageError, ImageError) as error:
        notice(f"Pair {pair.id[:8]} can be found by its question only. {error}")
        return None
    rows: Rows = embedder.image([picture])[0]
    return rows
