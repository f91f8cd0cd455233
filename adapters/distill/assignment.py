"""Who goes with whom at the least cost in all."""

from collections.abc import Sequence


def best_assignment(costs: Sequence[Sequence[float]]) -> list[int]:
    """For each row a column of its own, so that the sum of `costs[row][column]` is the least.

    There must be at least as many columns as rows, else ValueError. The Hungarian method with potentials
    (Kuhn 1955), one shortest augmenting path a row: O(rows * rows * columns).
    """
    columns = len(costs[0]) if costs else 0
    if len(costs) > columns and costs:
        raise ValueError(f"{len(costs)} rows cannot have one of {columns} columns each")
    owner = [-1] * (columns + 1)  # the last column is where a new row starts
    over_rows, over_columns = [0.0] * len(costs), [0.0] * (columns + 1)
    for row in range(len(costs)):
        _place(row, costs, owner, over_rows, over_columns)
    chosen = {owner[column]: column for column in range(columns) if owner[column] >= 0}
    return [chosen[row] for row in range(len(costs))]


def _place(
    row: int,
    costs: Sequence[Sequence[float]],
    owner: list[int],
    over_rows: list[float],
    over_columns: list[float],
) -> None:
    """Give `row` a column, moving earlier rows where that is cheaper; the lists are changed."""
    columns = len(owner) - 1
    slack, before, done = [float("inf")] * columns, [columns] * columns, [False] * (columns + 1)
    at = columns
    owner[at] = row
    while owner[at] >= 0:
        done[at] = True
        for column in range(columns):
            reduced = costs[owner[at]][column] - over_rows[owner[at]] - over_columns[column]
            if not done[column] and reduced < slack[column]:
                slack[column], before[column] = reduced, at
        following = min((c for c in range(columns) if not done[c]), key=slack.__getitem__)
        step = slack[following]
        for column in range(columns + 1):
            if done[column]:
                over_rows[owner[column]] += step
                over_columns[column] -= step
            elif column < columns:
                slack[column] -= step
        at = following
    while at != columns:
        owner[at] = owner[before[at]]
        at = before[at]
    owner[columns] = -1
