"""Pictures that lay in a buffer are passed over, and nobody is left without pictures for it."""

from collections import deque
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from capture.opencv import Backlog

RATES = st.floats(1, 60)


@dataclass
class Device:
    """Makes a picture every period into a buffer: without end (0), or of a size, and it loses new ones."""

    rate: float
    size: int
    cost: float
    now: float = 0.0
    made: int = 0
    silent_until: float = 0.0
    buffer: deque[float] = field(default_factory=deque)

    def pass_time(self, until: float) -> None:
        self.now = max(self.now, until)
        while (born := self.made / self.rate) <= self.now:
            if not self.size or len(self.buffer) < self.size:
                self.buffer.append(born)
            self.made += 1

    def fall_silent(self, seconds: float) -> None:
        """What is made meanwhile comes afterwards."""
        self.silent_until = self.now + seconds

    def fetch(self) -> tuple[float, float, float]:
        """When it was asked for, when it came, when it was made."""
        asked = self.now
        self.pass_time(self.silent_until)
        if not self.buffer:
            self.pass_time(self.made / self.rate)
        born = self.buffer.popleft()
        self.pass_time(self.now + self.cost)
        return asked, self.now, born


Stall = tuple[int, float, bool]


def ages(device: Device, stalls: list[Stall]) -> list[float]:
    """How old the pictures are that are given. After so many, for so long, the reader sleeps or the device
    falls silent.
    """
    backlog, kept = Backlog(device.rate, device.now), []
    for count, seconds, sleeps in stalls:
        for _ in range(count):
            asked, came, born = device.fetch()
            if not backlog.is_old(asked, came):
                kept.append(came - born)
        if sleeps:
            device.pass_time(device.now + seconds)
        else:
            device.fall_silent(seconds)
    return kept


@settings(deadline=None)
@given(
    RATES,
    st.sampled_from([0, 4]),
    st.lists(st.tuples(st.integers(10, 300), st.floats(0, 2), st.booleans()), max_size=6),
)
def test_no_picture_is_given_that_lay_in_a_buffer_for_long(
    rate: float, size: int, stalls: list[Stall]
) -> None:
    device = Device(rate, size, cost=0.1 / rate)
    for age in ages(device, stalls):
        assert age <= 0.5 + 3 / rate


@settings(deadline=None)
@given(RATES, st.floats(0.5, 5))
def test_who_opens_slowly_begins_with_a_new_picture(rate: float, opening: float) -> None:
    device = Device(rate, 0, cost=0.1 / rate)
    backlog = Backlog(rate, opening=0.0)
    device.pass_time(opening)
    for _ in range(1000):
        asked, came, born = device.fetch()
        if not backlog.is_old(asked, came):
            assert came - born <= 0.5 + 3 / rate
            return
    raise AssertionError("nothing was given")


@settings(deadline=None)
@given(RATES, st.floats(1, 5))
def test_who_cannot_keep_up_still_gets_pictures(rate: float, slowness: float) -> None:
    kept = ages(Device(rate, 0, cost=slowness / rate), [(1000, 0.0, True)])
    assert len(kept) >= 700


@settings(deadline=None)
@given(RATES, st.sampled_from([0, 1, 4]))
def test_a_steady_device_loses_nothing(rate: float, size: int) -> None:
    assert len(ages(Device(rate, size, cost=0.1 / rate), [(500, 0.0, True)])) >= 499
