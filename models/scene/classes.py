"""Which of some named places a view shows: rows of views against rows of names."""

from collections.abc import Callable, Sequence

import numpy as np

from core.ports import Rows
from models.scene.names import alternatives, checked, prompt


def class_rows(text: Callable[[Sequence[str]], Rows], names: Sequence[str]) -> Rows:
    """Unit rows float32 [classes, d], one a name; of "bedroom / hotel" the mean of what either is.

    Raises InputError when a name comes twice.
    """
    parts = [alternatives(name) for name in checked(names)]
    rows = text([prompt(part) for group in parts for part in group])
    ends = np.cumsum([len(group) for group in parts])
    means = np.stack([some.mean(0) for some in np.split(rows, ends[:-1])])
    found: Rows = (means / np.linalg.norm(means, axis=1, keepdims=True)).astype(np.float32)
    return found
