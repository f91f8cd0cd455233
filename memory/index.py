"""Vectors of all pairs, searched by FAISS. Derived: whatever is lost here is made again from the pairs.

On disk lie the vectors alone, in one safetensors file with a header of ours; the FAISS indexes are filled
from it. They are flat, so nothing of theirs would be worth keeping, and FAISS's own files can neither
be checked before they are read nor replaced together.
"""

import hashlib
import json
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
from core.files import atomic_write_bytes
from core.ports import Rows
from core.types import Pair

FILE = "vectors.safetensors"
_SCHEMA = "1"
_HEADER_LENGTH = 8
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
        """All other rows."""
        keep = self.numbers != number
        return Vectors(self.embedder, self.numbers[keep], self.text[keep], self.view[keep])

    def joined(self, other: "Vectors") -> "Vectors":
        """These rows and then the other's."""
        return Vectors(
            self.embedder,
            np.concatenate([self.numbers, other.numbers]),
            np.concatenate([self.text, other.text]),
            np.concatenate([self.view, other.view]),
        )


@dataclass(frozen=True)
class Cue:
    """What is searched by: the vector of a question [d], of a frame [d2], or both."""

    text: Rows | None = None
    view: Rows | None = None


class Kept(NamedTuple):
    """What a file of vectors held: the usable rows, and whether there were others."""

    vectors: Vectors
    stale: bool


class Index:
    """Finds the pairs whose question or frame is most alike, among the vectors it is given."""

    def __init__(self, vectors: Vectors | None = None) -> None:
        self.vectors: Vectors | None = None
        self._text: Any = None
        self._view: Any = None
        if vectors is not None:
            self.add(vectors)

    def add(self, rows: Vectors) -> None:
        """More pairs; the first ones decide how wide vectors are."""
        if self.vectors is None:
            flat: Any = load("memory.flat:Flat")
            self._text, self._view = flat(rows.text.shape[1]), flat(rows.view.shape[1])
        self._text.add(rows.text, rows.numbers)
        self._view.add(rows.view, rows.numbers)
        self.vectors = rows if self.vectors is None else self.vectors.joined(rows)

    def remove(self, number: int) -> None:
        """Forget a pair's vectors, if there are any."""
        if self.vectors is not None:
            self._text.remove(number)
            self._view.remove(number)
            self.vectors = self.vectors.without(number)

    def scores(self, cue: Cue, among: Sequence[int]) -> dict[int, tuple[float | None, float | None]]:
        """Inner products of the cue's question and frame with those of the pairs with these numbers."""
        if self.vectors is None:
            return {}
        text = {} if cue.text is None else self._text.scores(cue.text, among)
        view = {} if cue.view is None else self._view.scores(cue.view, among)
        return {number: (text.get(number), view.get(number)) for number in text | view}


def write_vectors(folder: Path, vectors: Vectors, keys: Mapping[int, bytes]) -> None:
    """Keep the vectors, each beside what it was made of: the key of its number. Raises StorageError."""
    rows = np.array([list(keys[int(number)]) for number in vectors.numbers], np.uint8)
    arrays: dict[str, npt.NDArray[Any]] = {"keys": rows.reshape(-1, KEY), "text": vectors.text}
    arrays["view"] = vectors.view
    tensors = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    header = {"schema": _SCHEMA, "embedder": vectors.embedder, "sha256": _digest(tensors)}
    atomic_write_bytes(folder / FILE, save(tensors, metadata=header))


def read_vectors(folder: Path, keys: Mapping[int, bytes], embedder: str | None = None) -> Kept | str:
    """The vectors of these keys as far as they were kept, or why there are none: the end of a sentence.

    Rows of other keys were made of pairs that are deleted by now, and are left out. With `embedder`,
    another one's vectors are no use.
    """
    try:
        data = (folder / FILE).read_bytes()
    except FileNotFoundError:
        return "it is missing"
    except OSError as error:
        return f"it cannot be read ({error.strerror})"
    try:
        tensors, header = load_tensors(data), _header(data)
        rows, text, view, made_by = tensors["keys"], tensors["text"], tensors["view"], header["embedder"]
        whole = header["schema"] == _SCHEMA and header["sha256"] == _digest(tensors)
    except (SafetensorError, ValueError, KeyError, TypeError):
        return "it is damaged"
    if not (whole and _fits(rows, text, view)):
        return "it is damaged"
    if embedder not in (None, made_by):
        return "another model made it"
    known = {key: number for number, key in keys.items()}
    numbers = np.array([known.get(row.tobytes(), -1) for row in rows], np.int64)
    kept = numbers >= 0
    return Kept(Vectors(made_by, numbers[kept], text[kept], view[kept]), stale=not kept.all())


def key(pair: Pair) -> bytes:
    """What a pair's vectors are made of, as 32 bytes."""
    return hashlib.sha256("\0".join([pair.id, pair.question, pair.frame]).encode()).digest()


def _header(data: bytes) -> dict[str, str]:
    """The metadata of a safetensors file that has been read whole already."""
    length = int.from_bytes(data[:_HEADER_LENGTH], "little")
    metadata: dict[str, str] = json.loads(data[_HEADER_LENGTH : _HEADER_LENGTH + length])["__metadata__"]
    return metadata


def _digest(tensors: Mapping[str, npt.NDArray[Any]]) -> str:
    total = hashlib.sha256()
    for name in sorted(tensors):
        total.update(f"{name}\0{tensors[name].dtype}\0{tensors[name].shape}\0".encode())
        total.update(tensors[name].tobytes())
    return total.hexdigest()


def _fits(rows: npt.NDArray[Any], text: npt.NDArray[Any], view: npt.NDArray[Any]) -> bool:
    return (
        rows.dtype == np.uint8
        and rows.shape == (len(text), KEY)
        and text.dtype == view.dtype == np.float32
        and text.ndim == view.ndim == 2
        and len(text) == len(view)
    )
