"""Exact inner products with numbered rows, by FAISS; no other file imports it.

Imported late, by name, once there are vectors and therefore torch: on some systems the two only work in that
order.
"""

from collections.abc import Sequence

import faiss
import numpy as np

from core.ports import Rows


class Flat:
    """Rows of one width, searched one query at a time."""

    def __init__(self, width: int) -> None:
        # A few rows are searched faster than threads start, and torch has threads of its own.
        faiss.omp_set_num_threads(1)
        self._index = faiss.IndexIDMap2(faiss.IndexFlatIP(width))

    def add(self, rows: Rows, numbers: Sequence[int]) -> None:
        """Add rows [n, width] under new numbers."""
        self._index.add_with_ids(np.ascontiguousarray(rows), np.array(numbers, np.int64))

    def remove(self, number: int) -> None:
        """Remove a row if it exists."""
        self._index.remove_ids(faiss.IDSelectorBatch(np.array([number], np.int64)))

    def scores(self, query: Rows, among: Sequence[int]) -> dict[int, float]:
        """Inner products of a vector [width] with the existing rows of these numbers."""
        if not among or not self._index.ntotal:
            return {}
        selector = faiss.IDSelectorBatch(np.array(among, np.int64))  # must outlive the search
        parameters = faiss.SearchParameters()
        parameters.sel = selector
        count = min(len(among), self._index.ntotal)
        scores, indices = self._index.search(np.ascontiguousarray(query[None]), count, params=parameters)
        # Missing results are -1.
        return {int(n): float(score) for n, score in zip(indices[0], scores[0], strict=True) if n >= 0}
