"""Fitting a calibration: what it finds, and what it promises of rooms that it did not see."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom
from tiny_calibration import answers, tiny_calibration, tiny_evidence

from agent.takeover.calibration import (
    STEPS,
    Calibration,
    sigmoid,
)
from agent.takeover.takeover import TakeOver
from bench.takeover.calibrating import fit_calibration, fit_spread, stands, threshold_for


@pytest.fixture(scope="module")
def fitted() -> Calibration:
    return fit_calibration(*answers(80, 10), "ab", {"rooms": ["a"]}).calibration


def test_it_finds_what_the_answers_were_drawn_by(fitted: Calibration) -> None:
    for least in (-3.5, -2.0, -0.5):
        evidence = tiny_evidence(least=least, mean=least / 2)
        assert fitted.probability(evidence) == pytest.approx(sigmoid(2 + least), abs=0.06)
    assert fitted.spread < 0.6


@pytest.mark.parametrize("wanted", [0.6, 0.7, 0.8])
def test_in_other_rooms_answers_that_stand_agree_as_often_as_was_asked(
    fitted: Calibration, wanted: float
) -> None:
    evidence, agreed, _ = answers(200, 10, seed=1)
    logits = [fitted.logit(one) for one in evidence]
    stood = np.array(stands(logits, agreed, 0.0, fitted.threshold(wanted)))
    assert stood.mean() > 0.1
    assert np.array(agreed)[stood].mean() == pytest.approx(wanted, abs=0.05)


@settings(deadline=None, max_examples=15)
@given(st.lists(st.tuples(st.floats(-8, 0), st.booleans()), min_size=4, max_size=12))
def test_whatever_it_is_fitted_to_it_stays_finite_and_thresholds_rise(said: list[tuple[float, bool]]) -> None:
    evidence = [tiny_evidence(least=least) for least, _ in said]
    made = fit_calibration(evidence, [agreed for _, agreed in said], [n % 3 for n in range(len(said))], "ab")
    numbers = (made.calibration.intercept, *made.calibration.weights, *made.left_out)
    assert all(math.isfinite(number) for number in numbers)
    rising = made.calibration.thresholds
    assert len(rising) == STEPS + 1 and list(rising) == sorted(rising) and 0 <= rising[0] <= rising[-1] == 1
    assert 0 < made.calibration.probability(evidence[0]) < 1


def test_answers_that_one_number_parts_leave_it_finite() -> None:
    evidence = [tiny_evidence(least=-float(n)) for n in range(8)]
    made = fit_calibration(evidence, [n < 4 for n in range(8)], [n % 4 for n in range(8)], "ab").calibration
    assert max(map(abs, made.weights)) < 10
    assert made.probability(evidence[0]) > 0.6 > 0.4 > made.probability(evidence[7])


def test_one_room_or_uneven_lists_cannot_be_fitted() -> None:
    one = [tiny_evidence()]
    with pytest.raises(ValueError, match="two rooms"):
        fit_calibration(one * 2, [True, False], [0, 0], "ab")
    with pytest.raises(ValueError, match="outcomes"):
        fit_calibration(one, [True, False], [0], "ab")


@given(st.lists(st.tuples(st.floats(0, 0.99), st.integers(0, 50), st.integers(0, 50)), max_size=20))
def test_a_higher_rate_never_lowers_the_threshold(made: list[tuple[float, int, int]]) -> None:
    counted = [(threshold, min(hits, count), count) for threshold, hits, count in made]
    found = [threshold_for(counted, wanted / 10) for wanted in range(1, 11)]
    assert found == sorted(found) and found[-1] == 1
    for wanted, threshold in enumerate(found, start=1):
        at = [(hits, count) for one, hits, count in counted if one == threshold]
        assert threshold == 1 or any(count and hits / count >= wanted / 10 for hits, count in at)


@pytest.mark.parametrize("wanted", [0.5, 0.8, 0.95])
@pytest.mark.parametrize("count", [5, 40, 200])
def test_a_rate_not_quite_there_is_promised_once_in_five_times_at_most(wanted: float, count: int) -> None:
    chance = binom(count, wanted - 1e-9).pmf(range(count + 1))
    promised = [threshold_for([(0.5, hits, count)], wanted) == 0.5 for hits in range(count + 1)]
    assert chance[promised].sum() <= 0.2
    assert count < 40 or promised[-1]


def test_rooms_that_differ_have_a_spread() -> None:
    def spread(true: float) -> float:
        evidence, agreed, groups = answers(120, 10, seed=3, spread=true)
        logits = np.array([2 + one.least for one in evidence])
        return fit_spread(logits, np.array(agreed), np.array(groups))

    assert spread(0.0) < 0.3
    assert spread(1.0) == pytest.approx(1.0, abs=0.3)


def test_a_session_decides_as_the_fit_was_told_it_would() -> None:
    evidence, agreed, _ = answers(1, 30, seed=5)
    calibration = tiny_calibration(2.0, 0.6, least=1.0, spread=0.8)
    session, stood = TakeOver(0.8, calibration), []
    for one, same in zip(evidence, agreed, strict=True):
        weight = session.weigh(one)
        stood.append(weight.probability >= weight.needed)
        if not stood[-1]:
            session.add_audit(one, same)
    assert stood == stands([calibration.logit(one) for one in evidence], agreed, 0.8, 0.6)
    assert len(set(stood)) == 2
