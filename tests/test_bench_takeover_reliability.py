"""How far probabilities can be believed, on any data."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.takeover.rows import expected_calibration_error, reliability

_ANSWERS = st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=60)


def test_probabilities_that_keep_their_word_have_no_error() -> None:
    said = [*[0.25] * 4, *[0.75] * 4, 1.0]
    right = [True, False, False, False, True, True, True, False, True]
    assert expected_calibration_error(said, right) == pytest.approx(0)
    assert [(one.low, one.n) for one in reliability(said, right, 4)] == [(0.25, 4), (0.75, 5)]


def test_who_is_always_sure_and_never_right_has_the_whole_error() -> None:
    assert expected_calibration_error([1.0] * 3, [False] * 3) == 1
    assert expected_calibration_error([], []) == 0


@given(_ANSWERS, st.integers(1, 20))
def test_bins_hold_every_answer_once(answers: list[tuple[float, bool]], bins: int) -> None:
    said, right = [p for p, _ in answers], [r for _, r in answers]
    found = reliability(said, right, bins)
    assert sum(one.n for one in found) == len(answers)
    assert all(one.low - 1e-9 <= one.predicted <= one.high + 1e-9 and 0 <= one.observed <= 1 for one in found)
    error = expected_calibration_error(said, right, bins)
    assert 0 <= error <= 1
    overall = abs(sum(said) - sum(right)) / len(said) if said else 0
    assert error >= overall - 1e-9  # bins can only show more than the whole does


@pytest.mark.parametrize(
    ("said", "right"), [([0.5], []), ([1.5], [True]), ([-0.1], [True]), ([float("nan")], [True])]
)
def test_what_is_no_probability_is_refused(said: list[float], right: list[bool]) -> None:
    with pytest.raises(ValueError):
        reliability(said, right)
    with pytest.raises(ValueError, match="bins"):
        reliability([0.5], [True], 0)
