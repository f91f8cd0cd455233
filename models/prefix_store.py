"""Many prefixes kept within a budget of memory, the rest in a file that is read as they are needed."""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import torch

from core.files import storage_errors
from models.prefix import Prefixes, PrefixRow, stack


class PrefixStore:
    """Rows by number. Those beyond `most_bytes` lie in a nameless file in `folder`, until it is closed."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder, self._left = folder, most_bytes
        self._rows: list[PrefixRow | _Stored] = []
        self._file: BinaryIO | None = None

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, rows: Sequence[PrefixRow]) -> list[int]:
        """Keep rows; returns their numbers. Raises StorageError when the disk is full."""
        first = len(self._rows)
        for row in rows:
            self._left -= row.nbytes
            self._rows.append(row if self._left >= 0 else self._write(row))
        return list(range(first, len(self._rows)))

    def stack(self, numbers: Sequence[int], dtype: torch.dtype | None = None) -> Prefixes:
        """Rows as a batch, of another type than theirs if one is given."""
        rows = (self._rows[number] for number in numbers)
        return stack([row if isinstance(row, PrefixRow) else self._read(row) for row in rows], dtype)

    def close(self) -> None:
        """Give up the file. May be called again."""
        if self._file is not None:
            self._file.close()

    def _write(self, row: PrefixRow) -> "_Stored":
        with storage_errors("write", self._folder):
            if self._file is None:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._file = cast(BinaryIO, tempfile.TemporaryFile(dir=self._folder))  # noqa: SIM115
            start = self._file.seek(0, os.SEEK_END)
            self._file.write(_bytes(row.cache.contiguous()))
        return _Stored(start, row.cache.shape, row.cache.dtype, row.vis)

    def _read(self, stored: "_Stored") -> PrefixRow:
        cache = torch.empty(stored.shape, dtype=stored.dtype)
        if self._file is None:
            raise ValueError("the store is closed")
        with storage_errors("read", self._folder):
            self._file.seek(stored.start)
            cast(Any, self._file).readinto(_bytes(cache))
        return PrefixRow(cache, stored.vis)


@dataclass(frozen=True)
class _Stored:
    """Where in the file a row is, and what it was."""

    start: int
    shape: torch.Size
    dtype: torch.dtype
    vis: torch.Tensor


def _bytes(cache: torch.Tensor) -> memoryview:
    """The tensor's own bytes, to read from or write to."""
    data: memoryview = cache.view(torch.uint8).numpy().data
    return data.cast("B")
