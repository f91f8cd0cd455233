"""Vectors of all pairs, searched by FAISS. Whatever is lost here is made again from the pairs.

One safetensors file holds the vectors, and fills flat FAISS indexes. FAISS's own files could neither be
checked before they are read nor replaced together.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save

from core.extras import load
from core.files import atomic_write_bytes, safetensors_metadata
from core.ports import Rows
from core.types import Pair

FILE = "vectors.safetensors"
_SCHEMA = "1"
KEY = 32
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Vectors:
    """One row a pair: its number, its question's vector, its frame's. `embedder` made them."""

    embedder: str
    numbers: Numbers
    text: Rows
    view: Rows

    def __len__(self) -> int:
        return len(self.numbers)

    def without(self, number: int) -> "Vectors":
        """All rows but this one."""
        keep = self.numbers != number
        return Vectors(self.embedder, self.numbers[keep], self.text[keep], self.view[keep])

    def join(self, other: "Vectors") -> "Vectors":
        """These rows and then the other's."""
        return Vectors(
            self.embedder,
            np.concatenate([self.numbers, other.numbers]),
            np.concatenate([self.text, other.text]),
            np.concatenate([self.view, other.view]),
        )


@dataclass(frozen=True)
class Cue:
    """What to search by: the vector of a question [d], of a frame [d2], or both."""

    text: Rows | None = None
    view: Rows | None = None


class StoredVectors(NamedTuple):
    """The usable rows of a file of vectors; `stale`: there were others."""

    vectors: Vectors
    stale: bool


class Index:
    """Compares questions and frames with the vectors of pairs."""

    def __init__(self, vectors: Vectors | None = None) -> None:
        self.vectors: Vectors | None = None
        self._text: Any = None
        self._view: Any = None
        if vectors is not None:
            self.add(vectors)

    def add(self, rows: Vectors) -> None:
        """Add pairs; the first ones set the width of vectors."""
        if self.vectors is None:
            flat: Any = load("memory.flat:Flat")
            self._text, self._view = flat(rows.text.shape[1]), flat(rows.view.shape[1])
        self._text.add(rows.text, rows.numbers)
        self._view.add(rows.view, rows.numbers)
        self.vectors = rows if self.vectors is None else self.vectors.join(rows)

    def remove(self, number: int) -> None:
        """Remove a pair's vectors if there are any."""
        if self.vectors is not None:
            self._text.remove(number)
            self._view.remove(number)
            self.vectors = self.vectors.without(number)

    def scores(self, cue: Cue, among: Sequence[int]) -> dict[int, tuple[float | None, float | None]]:
        """Inner products of the cue's question and frame with those of these pairs."""
        if self.vectors is None:
            return {}
        text = {} if cue.text is None else self._text.scores(cue.text, among)
        view = {} if cue.view is None else self._view.scores(cue.view, among)
        return {number: (text.get(number), view.get(number)) for number in text | view}


def write_vectors(folder: Path, vectors: Vectors, keys: Mapping[int, bytes]) -> None:
    """Write the vectors with their pairs' keys. Raises StorageError."""
    rows = np.array([list(keys[int(number)]) for number in vectors.numbers], np.uint8)
    arrays: dict[str, npt.NDArray[Any]] = {"keys": rows.reshape(-1, KEY), "text": vectors.text}
    arrays["view"] = vectors.view
    tensors = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    header = {"schema": _SCHEMA, "embedder": vectors.embedder, "sha256": _digest(tensors)}
    atomic_write_bytes(folder / FILE, save(tensors, metadata=header))


def read_vectors(folder: Path, keys: Mapping[int, bytes], embedder: str | None = None) -> StoredVectors | str:
    """The stored vectors of these keys, or why there are none: the end of a sentence.

    Rows of other keys belong to deleted pairs. With `embedder`, vectors of others are refused.
    """
    try:
        data = (folder / FILE).read_bytes()
    except FileNotFoundError:
        return "it is missing"
    except OSError as error:
        return f"it cannot be read ({error.strerror})"
    try:
        tensors, header = load_tensors(data), safetensors_metadata(data)
        rows, text, view, maker = tensors["keys"], tensors["text"], tensors["view"], header["embedder"]
        whole = header["schema"] == _SCHEMA and header["sha256"] == _digest(tensors)
    except (SafetensorError, ValueError, KeyError, TypeError):
        return "it is damaged"
    if not (whole and _shapes_fit(rows, text, view)):
        return "it is damaged"
    if embedder not in (None, maker):
        return "another model made it"
    by_key = {key: number for number, key in keys.items()}
    numbers = np.array([by_key.get(row.tobytes(), -1) for row in rows], np.int64)
    usable = numbers >= 0
    return StoredVectors(Vectors(maker, numbers[usable], text[usable], view[usable]), stale=not usable.all())


def key(pair: Pair) -> bytes:
    """A hash, 32 bytes, of what a pair's vectors are made of."""
    return hashlib.sha256("\0".join([pair.id, pair.question, pair.frame]).encode()).digest()


def _digest(tensors: Mapping[str, npt.NDArray[Any]]) -> str:
    total = hashlib.sha256()
    for name in sorted(tensors):
        total.update(f"{name}\0{tensors[name].dtype}\0{tensors[name].shape}\0".encode())
        total.update(tensors[name].tobytes())
    return total.hexdigest()


def _shapes_fit(rows: npt.NDArray[Any], text: npt.NDArray[Any], view: npt.NDArray[Any]) -> bool:
    return (
        rows.dtype == np.uint8
        and rows.shape == (len(text), KEY)
        and text.dtype == view.dtype == np.float32
        and text.ndim == view.ndim == 2
        and len(text) == len(view)
    )
