"""A little of the long trials with clients and with a session."""

from itertools import islice
from pathlib import Path

import pytest
from soak.clients import try_clients
from soak.steady import Steadiness, ask_for


@pytest.mark.slow
def test_whoever_sends_whole_requests_is_answered(tmp_path: Path) -> None:
    assert try_clients(200, 1, tmp_path) == {"answered": 100}


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_session_is_asked_and_learns(tmp_path: Path) -> None:
    *_, result = islice(ask_for(3, 0, tmp_path), 3)
    assert result.asked == result.answered > 20 and not result.lost and result.adaptations
    assert result.growth(since=2) < 0.05


def test_growth_is_over_the_minute_it_is_compared_with() -> None:
    assert Steadiness(memory={1: 90, 2: 100, 3: 104, 4: 102}).growth(since=2) == pytest.approx(0.04)
