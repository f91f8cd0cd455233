"""What an answer is worth: the model's promises on any data, its file, and a session's audits."""

import json
import math
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom
from tiny_calibration import answers, tiny_calibration, tiny_evidence
from tiny_jobs import save_student

from agent.takeover.calibrating import fit_calibration, fit_spread, stands, threshold_for
from agent.takeover.calibration import (
    FILE,
    STEPS,
    Calibration,
    find_calibration,
    offset,
    own_path,
    read_calibration,
    sigmoid,
    write_calibration,
)
from agent.takeover.evidence import FEATURES, evidence_of
from agent.takeover.takeover import ENOUGH, TakeOver, ready
from core.errors import WeightsError
from core.types import Answer, Pair
from memory.recall import Hit
from models.adapter_files import Base
from models.lora import base_of

_BASE = Base("tiny", "ab")
_AUDITS = st.lists(st.tuples(st.floats(-8, 8), st.booleans()), max_size=12)


@pytest.fixture(scope="module")
def fitted() -> Calibration:
    return fit_calibration(*answers(80, 10), "ab", {"rooms": ["a"]}).calibration


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_student(tmp_path_factory.mktemp("student") / "tiny")


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


@given(_AUDITS, st.floats(0.05, 2))
def test_audits_move_a_room_the_way_they_went(audits: list[tuple[float, bool]], spread: float) -> None:
    shift = offset(audits, spread)
    assert abs(shift) <= len(audits) * spread**2
    surprise = sum(agreed - sigmoid(logit) for logit, agreed in audits)
    assert shift * surprise >= 0 or abs(shift) < 1e-4

    def slope(at: float) -> float:
        return sum(agreed - sigmoid(logit + at) for logit, agreed in audits) - at / spread**2

    assert not audits or slope(shift - 1e-4) >= 0 >= slope(shift + 1e-4)  # nothing near is likelier
    assert offset(audits, 0.0) == 0.0


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
            session.audited(one, same)
    assert stood == stands([calibration.logit(one) for one in evidence], agreed, 0.8, 0.6)
    assert len(set(stood)) == 2


def test_without_a_calibration_the_expert_is_asked_until_audits_are_enough() -> None:
    session = TakeOver(0.8)
    for n in range(ENOUGH):
        assert session.weigh(tiny_evidence(mean=0.0)).needed == 1
        session.audited(tiny_evidence(mean=-0.1 if n else -2.0), agreed=n > 0)
    weight = session.weigh(tiny_evidence(mean=-0.05))
    assert weight.probability == math.exp(-0.05) >= weight.needed
    assert TakeOver(1.0, None, session.audits).weigh(tiny_evidence()).needed == 1
    assert TakeOver(0.0, None, []).weigh(tiny_evidence()).needed == 0


def test_a_file_brings_back_what_was_written(fitted: Calibration, tmp_path: Path) -> None:
    write_calibration(fitted, tmp_path / FILE)
    assert read_calibration(tmp_path / FILE, _BASE) == fitted


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"base": "cd"}, "belongs to the student cd, not to tiny"),
        ({"schema": 2}, "another version"),
        ({"features": ["moon"]}, "another version"),
        ({"weights": [1.0]}, "damaged"),
        ({"weights": ["moon"] * len(FEATURES)}, "damaged"),
        ({"scales": [0.0] * len(FEATURES)}, "damaged"),
        ({"thresholds": [1.0, 0.0]}, "damaged"),
        ({"intercept": float("nan")}, "damaged"),
        ({"spread": -1.0}, "damaged"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(change: dict[str, object], says: str, tmp_path: Path) -> None:
    told = {"schema": 1, "features": FEATURES, **asdict(tiny_calibration())}
    (tmp_path / FILE).write_text(json.dumps(told | change))
    with pytest.raises(WeightsError, match=says) as caught:
        read_calibration(tmp_path / FILE, _BASE)
    assert "roomwise bench takeover --fit --student tiny" in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "{}"])
def test_a_file_that_is_no_calibration_says_so(text: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(WeightsError, match="damaged"):
        read_calibration(tmp_path / FILE, _BASE)


def test_ones_own_calibration_goes_before_the_one_beside_the_weights(student: str) -> None:
    base = base_of(student)
    with pytest.raises(WeightsError, match="There is no calibration"):
        find_calibration(student)
    beside = replace(tiny_calibration(1.0), base=base.digest)
    write_calibration(beside, Path(student) / FILE)
    assert find_calibration(student) == beside
    own = replace(beside, intercept=2.0)
    write_calibration(own, own_path(base))
    assert find_calibration(student) == own
    (Path(student) / FILE).unlink()


def test_a_session_says_aloud_that_it_has_none(student: str) -> None:
    session, notice = ready(student, 0.8, [])
    assert session.calibration is None and "bench takeover --fit" in notice and str(ENOUGH) in notice
    assert ready(student, 0.0, [])[1] == ready(student, 1.0, [])[1] == ""


def _hit(answer: str, question: str, alike: float, view: float) -> Hit:
    pair = Pair(answer, "den", question, answer, "f", "expert", "e", "now")
    return Hit(pair, (alike + view) / 2, alike, view)


def test_evidence_tells_how_near_the_same_and_other_answers_are() -> None:
    hits = [_hit("Red", "What?", 0.7, 0.5), _hit("blue", "What?", 0.9, 0.5), _hit("two", "What?", -0.3, 0.5)]
    said = evidence_of("Is it red?", Answer("the red", (1, 2), (-0.2, -0.6), 0.5), hits)
    assert (said.agreeing, said.differing, said.asked) == (0.7, 0.9, 0.0)
    assert said.mean == pytest.approx(-0.4) and (said.least, said.length) == (-0.6, 2)
    assert 0 < said.voted < 0.5  # blue is nearer
    nothing = evidence_of("What?", Answer("", (), (), 0.0), [])
    assert np.isfinite(nothing.features()).all() and nothing.confidence < 0.001
    assert len(nothing.features()) == len(FEATURES) and (nothing.asked, nothing.voted) == (0.0, 0.5)


def test_who_asked_the_same_of_a_nearer_view_counts_more() -> None:
    answer = Answer("red", (1,), (-0.1,), 0.9)
    asks = "What colour is the sofa?"
    near, far = _hit("red", "what colour is this sofa", 1.0, 0.95), _hit("blue", asks, 1.0, 0.6)
    other = _hit("blue", "What colour is the lamp?", 0.8, 1.0)
    assert evidence_of(asks, answer, [near, far, other]).asked > 0.9
    assert evidence_of(asks, answer, [far, other]).asked == -1.0
    assert evidence_of(asks, answer, [near]).asked == evidence_of(asks, answer, [near]).voted == 1.0


@given(st.lists(st.tuples(st.booleans(), st.floats(-1, 1), st.floats(-1, 1)), max_size=8))
def test_evidence_stays_within_its_bounds(found: list[tuple[bool, float, float]]) -> None:
    hits = [_hit("red" if same else "blue", "What colour?", alike, view) for same, alike, view in found]
    said = evidence_of("What colour?", Answer("red", (1,), (-0.1,), 0.9), hits)
    assert -1 <= said.asked <= 1 and 0 <= said.voted <= 1
    assert np.isfinite(said.features()).all()
