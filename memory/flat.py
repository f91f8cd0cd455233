"""The one file that touches FAISS: exact inner products with numbered rows.

Imported late, by name, once there are vectors: whoever made them has imported torch by then, and on some
systems the two only get along in that order.
"""

from collections.abc import Sequence

import faiss
import numpy as np

from core.ports import Rows


class Flat:
    """Rows of one width, searched one query at a time."""

    def __init__(self, width: int) -> None:
        # A handful of rows is searched faster than threads start, and torch brings threads of its own.
        faiss.omp_set_num_threads(1)
        self._index = faiss.IndexIDMap2(faiss.IndexFlatIP(width))

    def add(self, rows: Rows, numbers: Sequence[int]) -> None:
        """Rows [n, width] under these numbers, none of which may be there."""
        self._index.add_with_ids(np.ascontiguousarray(rows), np.array(numbers, np.int64))

    def remove(self, number: int) -> None:
        """Forget a row, if it is there."""
        self._index.remove_ids(faiss.IDSelectorBatch(np.array([number], np.int64)))

    def scores(self, query: Rows, among: Sequence[int]) -> dict[int, float]:
        """Inner products of a vector [width] with the rows of these numbers, as far as they are there."""
        if not among or not self._index.ntotal:
            return {}
        wanted = faiss.IDSelectorBatch(np.array(among, np.int64))  # must outlive the search
        parameters = faiss.SearchParameters()
        parameters.sel = wanted
        count = min(len(among), self._index.ntotal)
        scores, found = self._index.search(np.ascontiguousarray(query[None]), count, params=parameters)
        # Places that nothing was found for hold -1.
        return {int(n): float(score) for n, score in zip(found[0], scores[0], strict=True) if n >= 0}
