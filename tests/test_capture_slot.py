"""The newest value wins, whoever puts it when; waiting ends with a newer one, in time, or with the slot."""

import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture.camera import LatestSlot

TIMES = st.floats(-1e6, 1e6)


@settings(deadline=None)
@given(st.lists(TIMES, min_size=1))
def test_it_holds_what_was_taken_last_in_whatever_order_it_is_put(times: list[float]) -> None:
    slot: LatestSlot[int] = LatestSlot()
    for place, taken in enumerate(times):
        before = slot.newest()
        accepted = slot.put(place, taken)
        assert accepted == (before is None or taken > before.taken)
    newest = slot.newest()
    assert newest is not None
    assert newest.taken == max(times)
    assert newest.value == times.index(max(times))


@settings(deadline=None)
@given(TIMES, TIMES)
def test_waiting_gives_only_what_is_newer(taken: float, after: float) -> None:
    slot: LatestSlot[str] = LatestSlot()
    slot.put("it", taken)
    found = slot.wait(0.0, after)
    assert (found is not None) == (taken > after)
    assert slot.wait(0.0) is not None


@pytest.mark.parametrize("moment", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_time_is_refused(moment: float) -> None:
    with pytest.raises(ValueError, match="not a time"):
        LatestSlot[int]().put(1, moment)


def test_waiting_ends_in_time() -> None:
    began = time.monotonic()
    assert LatestSlot[int]().wait(0.05) is None
    assert 0.04 < time.monotonic() - began < 5


def test_waiting_ends_with_a_newer_value() -> None:
    slot: LatestSlot[str] = LatestSlot()
    slot.put("old", 1.0)
    timer = threading.Timer(0.05, slot.put, ("new", 2.0))
    timer.start()
    found = slot.wait(30.0, after=1.0)
    timer.join()
    assert found is not None and found.value == "new"


def test_closing_lets_go_and_wakes_who_waits_and_is_for_good() -> None:
    slot: LatestSlot[str] = LatestSlot()
    slot.put("it", 1.0)
    threading.Timer(0.05, slot.close).start()
    assert slot.wait(30.0, after=1.0) is None
    assert slot.closed and slot.newest() is None
    assert not slot.put("later", 2.0) and slot.newest() is None
    slot.close()


def test_many_writers_leave_the_newest_and_readers_never_see_time_go_back() -> None:
    slot: LatestSlot[int] = LatestSlot()
    seen: list[float] = []

    def write(offset: int) -> None:
        for number in range(offset, 2000, 4):
            slot.put(number, float(number))

    def read() -> None:
        after = -1.0
        while (found := slot.wait(1.0, after)) is not None and found.taken < 1999:
            seen.append(found.taken)
            after = found.taken

    threads = [threading.Thread(target=read), *(threading.Thread(target=write, args=(n,)) for n in range(4))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    newest = slot.newest()
    assert newest is not None and newest.value == 1999
    assert seen == sorted(set(seen))
