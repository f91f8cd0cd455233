"""Which of the questions that wait go into the next batch. A decision alone."""

from collections.abc import Sequence


def next_batch(waiting: Sequence[int], most: int) -> int:
    """How many of the requests at the front of the queue go together, given how many questions each holds.

    First come, first served. At least one goes, however large: it was let in.
    """
    total = 0
    for count, questions in enumerate(waiting):
        total += questions
        if total > most:
            return max(1, count)
    return len(waiting)
