import math

import numpy as np
import pytest

from bench.measure.intervals import bootstrap_mean, paired_difference, ratio_of_medians


def test_the_interval_holds_the_mean_and_repeats() -> None:
    values = np.random.default_rng(1).random(200)
    interval = bootstrap_mean(values, seed=3)
    assert interval == bootstrap_mean(values, seed=3) != bootstrap_mean(values, seed=4)
    assert interval.low < interval.mean < interval.high
    # Normal theory: 1.96 standard errors to each side.
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * values.std() / math.sqrt(200), rel=0.1)


def test_questions_of_one_room_do_not_count_as_independent() -> None:
    rooms = np.repeat(np.arange(20), 20)
    values = np.repeat(np.random.default_rng(2).random(20), 20)
    alone, by_room = bootstrap_mean(values), bootstrap_mean(values, rooms.tolist())
    assert by_room.high - by_room.low > 3 * (alone.high - alone.low)
    assert by_room.mean == alone.mean and by_room.n == 400


def test_about_95_of_100_intervals_hold_the_truth() -> None:
    rng = np.random.default_rng(5)
    held = 0
    for trial in range(200):
        room_level = rng.normal(size=40)
        values = np.repeat(room_level, 5) + rng.normal(size=200)
        interval = bootstrap_mean(values, np.repeat(np.arange(40), 5).tolist(), seed=trial)
        held += interval.low <= 0.0 <= interval.high
    assert 180 <= held <= 198


def test_pairing_removes_what_both_share() -> None:
    rng = np.random.default_rng(7)
    shared = rng.normal(scale=10, size=300)
    difference = paired_difference(shared + 0.5 + rng.normal(scale=0.1, size=300), shared)
    assert 0.45 < difference.low < difference.high < 0.55


def test_one_room_gives_no_interval() -> None:
    interval = bootstrap_mean([True, False], ["kitchen", "kitchen"])
    assert interval.mean == 0.5 and math.isnan(interval.low) and math.isnan(interval.high)


def test_what_cannot_be_averaged_is_refused() -> None:
    with pytest.raises(ValueError, match="a list of values"):
        bootstrap_mean([])
    with pytest.raises(ValueError, match="2 values but 1 group"):
        bootstrap_mean([1, 2], ["a"])
    with pytest.raises(ValueError, match="pairs"):
        paired_difference([1, 2], [1])


def test_a_ratio_of_medians_draws_the_same_pairs_for_both() -> None:
    times = np.random.default_rng(0).uniform(1, 9, 30)
    found = ratio_of_medians(2 * times, times)
    assert found.n == 30
    assert [found.mean, found.low, found.high] == pytest.approx([2, 2, 2])
