"""A lost camera is back soon, is not pestered, and what is told of it makes sense; by a hand-turned clock."""

import itertools
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture.camera_watch import Blank, CameraOpened, Over, Patience, Progress, Status, Watch
from capture.device import DeviceBack, Ended, Lost

SIZE = CameraOpened(64, 48, depth=False)
MODES = ("works", "gone", "silent", "hangs")
PLANS = st.lists(st.tuples(st.sampled_from(MODES), st.floats(0.05, 40)), max_size=12)


@dataclass
class World:
    """A device that does one thing after another, for so many seconds each, and works at last."""

    plan: list[tuple[str, float]]
    watch: Watch = field(default_factory=lambda: Watch(Patience()))
    now: float = 0.0
    began: float | None = None
    hanging: list[float] = field(default_factory=list)
    told: list[tuple[float, Status]] = field(default_factory=list)
    opened: list[float] = field(default_factory=list)

    def spans(self) -> list[tuple[str, float, float]]:
        """What it does from when to when; neighbours that are alike are one."""
        spans, start = [], 0.0
        for mode, group in itertools.groupby([*self.plan, ("works", 60.0)], key=lambda part: part[0]):
            end = start + sum(seconds for _, seconds in group)
            spans.append((mode, start, end))
            start = end
        return spans

    def span(self, moment: float) -> tuple[str, float, float]:
        return next((span for span in self.spans() if moment < span[2]), self.spans()[-1])

    def progress(self) -> Progress | None:
        """What an attempt has come to: who met silence stays silent, who hung fails at the end of it."""
        if self.began is None:
            return None
        mode, _, end = self.span(self.began)
        if mode == "gone":
            return Progress(self.began, over=Over("It is gone. Plug it in."))
        if mode == "hangs":
            return Progress(self.began, over=Over("It failed. Again.") if self.now >= end else None)
        if mode == "silent":
            return Progress(self.began, opened=self.began)
        gone = self.now >= end and self.span(end)[0] == "gone"
        over = Over("It is gone. Plug it in.") if gone else None
        return Progress(self.began, self.began, self.began, min(self.now, end), SIZE, over)

    def turn(self) -> None:
        self.hanging = [until for until in self.hanging if until > self.now]
        step = self.watch.step(self.now, self.progress(), len(self.hanging))
        self.told += [(self.now, status) for status in step.tell]
        if step.do == "open":
            self.began = self.now
            self.opened.append(self.now)
        elif step.do == "wait":
            assert step.wait > 0
            changes = [end - self.now for _, _, end in self.spans() if end > self.now]
            self.now += min([step.wait, *changes])
        elif step.do == "abandon":
            assert self.began is not None
            self.hanging.append(self.span(self.now)[2])
            self.began = None
        else:
            self.began = None

    def run(self) -> None:
        end = self.spans()[-1][2]
        for _ in range(10_000):
            if self.now >= end:
                return
            self.turn()
        raise AssertionError("time does not go on")


@settings(deadline=None)
@given(PLANS)
def test_it_is_back_within_five_seconds_of_the_devices_return(plan: list[tuple[str, float]]) -> None:
    world = World(plan)
    world.run()
    returned = world.spans()[-1][1]
    assert world.progress() is not None
    assert world.began is not None and world.span(world.began)[0] == "works"
    assert max(world.opened) <= returned + 5.0


@settings(deadline=None)
@given(PLANS)
def test_what_is_told_makes_sense(plan: list[tuple[str, float]]) -> None:
    world = World(plan)
    world.run()
    told = [status for _, status in world.told]
    assert told.count(SIZE) == 1
    first = told.index(SIZE)
    assert all(isinstance(status, Lost) for status in told[:first])
    for before, after in itertools.pairwise(told):
        assert before != after
        if isinstance(after, DeviceBack):
            assert isinstance(before, Lost) and after.after > 0
    assert not isinstance(told[-1], Lost)
    assert all(status.reason.endswith(".") for status in told if isinstance(status, Lost))


@settings(deadline=None)
@given(PLANS)
def test_it_is_not_pestered_and_few_threads_hang(plan: list[tuple[str, float]]) -> None:
    world = World(plan)
    patience = Patience()
    end = world.spans()[-1][2]
    while world.now < end:
        world.turn()
        assert len(world.hanging) <= patience.hanging
    assert all(late - early >= patience.first_pause for early, late in itertools.pairwise(world.opened))


@settings(deadline=None)
@given(st.integers(1, 10_000), st.floats(0.01, 5), st.floats(0.01, 60))
def test_pauses_grow_and_are_bounded(failures: int, first: float, longest: float) -> None:
    patience = Patience(first_pause=first, longest_pause=longest)
    assert patience.pause(failures) <= patience.pause(failures + 1) <= longest
    assert patience.pause(1) == min(first, longest)


def test_a_device_that_dies_after_each_picture_is_opened_ever_more_slowly() -> None:
    world = World([("works", 0.05), ("gone", 0.05)] * 100)
    world.run()
    pauses = [late - early for early, late in itertools.pairwise(world.opened[:4])]
    assert pauses[0] >= 0.5 and pauses[-1] > 1.5


def test_a_steady_device_that_is_lost_is_tried_soon_again() -> None:
    world = World([("gone", 20.0), ("works", 20.0), ("gone", 0.4)])
    world.run()
    backs = [(moment, status) for moment, status in world.told if isinstance(status, DeviceBack)]
    assert len(backs) == 1
    assert backs[0][0] == pytest.approx(40.4, abs=1.0)
    assert backs[0][1].after < 1.0


def test_when_every_attempt_hangs_no_more_are_begun_and_it_is_said() -> None:
    world = World([("hangs", 500.0)])
    while world.now < 490:
        world.turn()
    assert len(world.opened) == Patience().hanging
    assert "Unplug the camera" in str(world.told[-1][1])
    world.run()
    assert SIZE in [status for _, status in world.told]


def test_the_end_of_a_video_is_the_end() -> None:
    watch = Watch(Patience())
    assert watch.step(0.0, None, 0).do == "open"
    step = watch.step(1.0, Progress(0.0, 0.0, 0.5, 0.9, SIZE, Over(ended=True)), 0)
    assert (step.do, step.tell) == ("stop", (SIZE, Ended()))


def test_pictures_that_show_nothing_are_said_once_and_the_device_stays_open() -> None:
    watch, black = Watch(Patience(blank=5.0)), Blank("It is black. Take the cover off.", 1.0)
    told: list[Status] = []
    assert watch.step(0.0, None, 0).do == "open"
    for now, blank in [(1.0, black), (4.0, black), (6.5, black), (9.0, black), (12.0, None), (13.0, None)]:
        step = watch.step(now, Progress(0.0, 0.5, 1.0, now, SIZE, blank=blank), 0)
        told += step.tell
        assert step.do == "wait"
    assert told == [SIZE, Lost(black.reason), DeviceBack(11.0)]


def test_a_moment_of_black_is_not_said() -> None:
    watch = Watch(Patience(blank=5.0))
    watch.step(0.0, None, 0)
    for now, blank in [(1.0, None), (4.0, Blank("It is black.", 2.0)), (5.0, None), (9.0, None)]:
        step = watch.step(now, Progress(0.0, 0.5, 1.0, now, SIZE, blank=blank), 0)
        assert step.tell == ((SIZE,) if now == 1.0 else ())
