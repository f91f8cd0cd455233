"""Who goes with whom at the least cost in all."""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment


def best_assignment(costs: Sequence[Sequence[float]]) -> list[int]:
    """For each row a column of its own, so that the sum of `costs[row][column]` is the least.

    There must be at least as many columns as rows, else ValueError.
    """
    if not costs:
        return []
    table = np.asarray(costs, np.float64)
    if len(table) > table.shape[1]:
        raise ValueError(f"{len(table)} rows cannot have one of {table.shape[1]} columns each")
    return [int(column) for column in linear_sum_assignment(table)[1]]
