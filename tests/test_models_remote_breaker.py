from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from models.remote.call import FAILURES, FIRST_PAUSE, LONGEST_PAUSE, Breaker

_STEPS = st.lists(st.tuples(st.floats(0, 100), st.booleans(), st.floats(0, 30)), max_size=40)


def _failed(times: int, now: float = 0.0) -> Breaker:
    breaker = Breaker()
    for _ in range(times):
        breaker = breaker.entered(now).failed(now)
    return breaker


def test_two_failures_are_borne_and_the_third_ends_in_a_pause() -> None:
    assert _failed(2).wait(0) == 0
    assert _failed(3).wait(0) == FIRST_PAUSE
    assert _failed(3).wait(2) == FIRST_PAUSE - 2
    assert _failed(3).wait(FIRST_PAUSE) == 0


def test_pauses_double_while_the_trial_after_each_fails() -> None:
    breaker, now, pauses = _failed(3), 0.0, []
    for _ in range(6):
        pauses.append(breaker.wait(now))
        now += pauses[-1]
        breaker = breaker.entered(now).failed(now)
    assert pauses == [5, 10, 20, 40, 60, 60]


def test_one_trial_is_let_through() -> None:
    trying = _failed(3).entered(FIRST_PAUSE)
    assert trying.wait(FIRST_PAUSE) > 0
    assert trying.succeeded() == Breaker()
    # It was given up for lost, as by an interrupt: another is let through some time.
    assert trying.wait(FIRST_PAUSE + LONGEST_PAUSE) == 0


def test_calls_from_before_the_pause_make_it_no_longer() -> None:
    paused = _failed(3)
    assert paused.failed(3).wait(3) == FIRST_PAUSE - 3


def test_a_success_between_failures_starts_the_count_again() -> None:
    breaker = _failed(2).entered(1).succeeded().failed(2).failed(3)
    assert breaker.wait(3) == 0
    assert breaker.failed(4).wait(4) == FIRST_PAUSE


@given(_STEPS)
def test_no_wait_is_longer_than_a_minute_and_none_follows_a_success(
    steps: list[tuple[float, bool, float]],
) -> None:
    breaker, now = Breaker(), 0.0
    failures, begun = 0, []
    for later, good, took in steps:
        now += later
        assert 0 <= breaker.wait(now) <= LONGEST_PAUSE
        if breaker.wait(now):
            continue
        begun.append(now)
        breaker = breaker.entered(now)
        now += took
        breaker = breaker.succeeded() if good else breaker.failed(now)
        failures = 0 if good else failures + 1
        begun = [] if good else begun
        assert (breaker.wait(now) > 0) == (failures >= FAILURES)
    # From the third failure on, calls lie at least the first pause apart.
    assert all(second - first >= FIRST_PAUSE for first, second in pairwise(begun[FAILURES - 1 :]))
