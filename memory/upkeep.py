"""Bringing the index back into line with the pairs, whatever became of its file."""

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


def caught_up(
    folder: Path, pairs: dict[int, Pair], blobs: Blobs, embedder: Embedder, notice: Notice
) -> tuple[Index, bool]:
    """An index of these pairs, and whether it differs from the one in `folder`.

    Vectors that were kept are used, the others made. `notice` is told in a sentence when all had to
    be made again, and of each frame that cannot be read.
    """
    keys = {number: key(pair) for number, pair in pairs.items()}
    kept = read_vectors(folder, keys, embedder.name)
    if isinstance(kept, str):
        if pairs:
            notice(f"The index of memory is made again from {len(pairs)} pairs: {kept}.")
        index, stale = Index(), bool(pairs)
    else:
        index, stale = Index(kept.vectors), kept.stale
    have = set() if index.vectors is None else set(index.vectors.numbers.tolist())
    missing = [number for number in pairs if number not in have]
    for start in range(0, len(missing), _BATCH):
        batch = {number: pairs[number] for number in missing[start : start + _BATCH]}
        index.add(_embedded(batch, blobs, embedder, notice))
    return index, stale or bool(missing)


def keep(folder: Path, index: Index, pairs: dict[int, Pair], notice: Notice) -> None:
    """Write the index's vectors beside what they were made of.

    They can be made again, so a full disk is no error here, only told. What cannot be brought up to date
    is removed, for it may hold the vectors of a pair that was deleted.
    """
    if index.vectors is None:
        return
    try:
        write_vectors(folder, index.vectors, {number: key(pair) for number, pair in pairs.items()})
    except StorageError as error:
        notice(f"The index of memory will be made again next time. {error}")
        with storage_errors("delete", folder / FILE):
            (folder / FILE).unlink(missing_ok=True)


def prune(folder: Path, pairs: dict[int, Pair], notice: Notice) -> None:
    """Without an embedder: leave only vectors of these pairs in the file."""
    kept = read_vectors(folder, {number: key(pair) for number, pair in pairs.items()})
    if not isinstance(kept, str) and kept.stale:
        keep(folder, Index(kept.vectors), pairs, notice)


def _embedded(batch: dict[int, Pair], blobs: Blobs, embedder: Embedder, notice: Notice) -> Vectors:
    text = embedder.text([pair.question for pair in batch.values()])
    views = [_view(pair, blobs, embedder, notice) for pair in batch.values()]
    nothing = np.zeros_like(embedder.image([Image.new("RGB", (32, 32))])[0])
    rows = np.stack([nothing if view is None else view for view in views])
    return Vectors(embedder.name, np.array(list(batch), np.int64), text, rows)


def _view(pair: Pair, blobs: Blobs, embedder: Embedder, notice: Notice) -> Rows | None:
    """The frame's vector [d2]; None when the frame is lost, which makes it like nothing."""
    try:
        picture = decode(blobs.get(pair.frame, FRAME), f"The frame of {pair.id}")
    except (StorageError, ImageError) as error:
        notice(f"Pair {pair.id[:8]} can be found by its question only. {error}")
        return None
    rows: Rows = embedder.image([picture])[0]
    return rows
