"""What an answer is worth: a calibration and its file, a room's audits, and the evidence."""

import json
import math
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_calibration import tiny_calibration, tiny_evidence
from tiny_jobs import save_student

from agent.takeover.calibration import (
    FILE,
    find_calibration,
    offset,
    own_path,
    read_calibration,
    sigmoid,
    write_calibration,
)
from agent.takeover.evidence import FEATURES, evidence_of
from agent.takeover.takeover import ENOUGH, TakeOver, open_takeover
from core.errors import WeightsError
from core.types import Answer, Pair
from memory.recall import Hit
from models.adapter_files import Base
from models.lora import base_of

_BASE = Base("tiny", "ab")
_AUDITS = st.lists(st.tuples(st.floats(-8, 8), st.booleans()), max_size=12)


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_student(tmp_path_factory.mktemp("student") / "tiny")


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


def test_without_a_calibration_the_expert_is_asked_until_audits_are_enough() -> None:
    session = TakeOver(0.8)
    for n in range(ENOUGH):
        assert session.weigh(tiny_evidence(mean=0.0)).needed == 1
        session.add_audit(tiny_evidence(mean=-0.1 if n else -2.0), agreed=n > 0)
    weight = session.weigh(tiny_evidence(mean=-0.05))
    assert weight.probability == math.exp(-0.05) >= weight.needed
    assert TakeOver(1.0, None, session.audits).weigh(tiny_evidence()).needed == 1
    assert TakeOver(0.0, None, []).weigh(tiny_evidence()).needed == 0


def test_a_file_brings_back_what_was_written(tmp_path: Path) -> None:
    fitted = replace(tiny_calibration(0.1, 0.7, 1 / 3), about={"rooms": ["a"]})
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
    session, notice = open_takeover(student, 0.8, [])
    assert session.calibration is None and "bench takeover --fit" in notice and str(ENOUGH) in notice
    assert open_takeover(student, 0.0, [])[1] == open_takeover(student, 1.0, [])[1] == ""


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
