"""When to adapt."""

from dataclasses import replace

import pytest

from agent.learning.guard import Standing, due

_DONE = Standing(turn=10, warm_up=10, pairs=10, pairs_then=0)


@pytest.mark.parametrize(
    ("standing", "now"),
    [
        (_DONE, True),
        (replace(_DONE, turn=9), False),
        (replace(_DONE, pairs=3), False),
        (replace(_DONE, pairs_then=10), False),
        (replace(_DONE, turn=15, pairs=14, pairs_then=10), False),
        (replace(_DONE, turn=17, pairs=15, pairs_then=10), True),
    ],
)
def test_a_job_is_due(standing: Standing, now: bool) -> None:
    assert due(standing, least=4, again_after=5) is now
