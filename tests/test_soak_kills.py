"""A few of the kills that the soak makes a thousand of."""

import sys
from pathlib import Path

import pytest
from soak.kills import kill_many

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="commands run in forks"),
]


def test_nothing_is_lost_or_half_done_whatever_is_killed(tmp_path: Path) -> None:
    deaths = kill_many(30, 0, tmp_path)
    assert deaths.faults == []
    assert deaths.kills.total() >= 30 and 2 * deaths.training >= 28
    again = kill_many(30, 0, tmp_path)
    assert str(again) == str(deaths), "it goes on where it was"
