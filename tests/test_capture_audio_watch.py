import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.audio_pieces import GAP, captured_at, pauses, steady


def test_pauses_grow_and_stay_within_five_seconds() -> None:
    assert list(itertools.islice(pauses(), 6)) == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]
    assert list(itertools.islice(pauses(longest=0.1), 3)) == [0.1] * 3


@given(st.floats(0, 1e6), st.integers(1, 10_000), st.floats(allow_nan=True))
def test_sound_was_captured_a_little_before_it_came(now: float, frames: int, delay: float) -> None:
    at = captured_at(now, frames, 48_000, delay)
    assert now - 2.0 <= at <= now
    if not 0 < delay < 2:
        assert at == now - frames / 48_000


@given(st.integers(0, 999), st.floats(-200, 200))
def test_a_jittering_drifting_clock_is_followed_without_a_gap(seed: int, parts_per_million: float) -> None:
    dice, expected, piece = random.Random(seed), None, 0.02
    for number in range(2000):
        true = number * piece * (1 + parts_per_million * 1e-6)
        at, follows = steady(expected, true + dice.uniform(0, 0.2))
        assert follows == (number > 0)
        assert abs(at - true) < 0.25
        if expected is not None:
            assert abs(at - expected) < 0.01
        expected = at + piece


@pytest.mark.parametrize("by", [GAP + 0.01, -GAP - 0.01])
def test_missing_sound_is_seen(by: float) -> None:
    assert steady(10.0, 10.0 + by) == (10.0 + by, False)
    assert steady(None, 3.0) == (3.0, False)
