import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ExpertError
from models.remote.budget import Budget

_SPENT = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 500)), max_size=20)


@given(_SPENT)
def test_without_limits_all_is_counted_and_nothing_refused(spent: list[tuple[int, int]]) -> None:
    budget = Budget()
    for calls, size in spent:
        budget.check(calls, size)
        budget.spent(calls, size)
    assert budget.calls == sum(calls for calls, _ in spent)
    assert budget.bytes == sum(size for _, size in spent)


@given(_SPENT, st.integers(1, 50), st.integers(1, 1000))
def test_what_would_exceed_a_limit_is_refused_before(
    spent: list[tuple[int, int]], max_calls: int, max_bytes: int
) -> None:
    budget = Budget(max_calls, max_bytes)
    for calls, size in spent:
        fits = budget.calls + calls <= max_calls and budget.bytes + size < max_bytes
        assert (budget.refusal(calls, size) == "") == fits
        if fits:
            budget.spent(calls, size)
    assert budget.calls <= max_calls
    assert budget.bytes <= max_bytes


def test_the_remedy_is_the_setting() -> None:
    with pytest.raises(ExpertError, match=r"asked 3 of at most 4 .*Set expert\.max_calls higher"):
        Budget(4, 0, calls=3).check(2)
    with pytest.raises(ExpertError, match=r"1,024 of at most 1,024 bytes .*Set expert\.max_bytes higher"):
        Budget(0, 1024, bytes=1024).check(1)


def test_it_goes_on_from_what_was_spent_before() -> None:
    budget = Budget(4, 1000, calls=3, bytes=500)
    budget.check(1)
    budget.spent(1, 100)
    assert (budget.calls, budget.bytes) == (4, 600)
