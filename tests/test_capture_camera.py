"""A camera over sources that die, hang, and give rubbish: real threads, no devices."""

import io
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from capture.camera import Camera
from capture.camera_watch import CameraOpened, Patience, Status
from capture.device import DeviceBack, Ended, Lost
from capture.picture import Captured, Source, blankness
from core.errors import CaptureError

QUICK = Patience(opening=60, stalled=60, first_pause=0.02, longest_pause=0.1)
IMPATIENT = Patience(opening=0.3, stalled=0.3, first_pause=0.02, longest_pause=0.05, hanging=2)
LONG = 120.0  # seconds; machines may be busy


def picture(shade: int = 0, depth: bool = False) -> Captured:
    rgb = np.full((8, 12, 3), shade, np.uint8)
    distances = np.full((8, 12), 1500, np.uint16) if depth else None
    return Captured(rgb, time.monotonic(), time.time(), distances)


class Scripted:
    """A source that gives what its script yields and ends where it ends."""

    def __init__(self, script: Iterator[Captured]) -> None:
        self.script, self.closed = script, False

    def read(self) -> Captured | None:
        time.sleep(0.001)
        return next(self.script, None)

    def close(self) -> None:
        self.closed = True


def live(shade: int = 0) -> Iterator[Captured]:
    while True:
        yield picture(shade)


def until(happened: Callable[[], object]) -> None:
    end = time.monotonic() + LONG
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.002)


def dying(message: str = "It is gone. Plug it in.") -> Iterator[Captured]:
    yield from (picture(1) for _ in range(3))
    raise CaptureError(message)


def test_the_newest_picture_wins_however_fast_they_come() -> None:
    made = 0

    def counted() -> Iterator[Captured]:
        nonlocal made
        for made in itertools.count():
            yield picture(made % 251)

    with Camera("fast", lambda: Scripted(counted()), QUICK) as camera:
        assert camera.wait(LONG) is not None
        seen = []
        for _ in range(50):
            before = made
            captured = camera.newest()
            assert captured is not None
            # The one being made at that moment may not have been handed on.
            assert (int(captured.rgb[0, 0, 0]) - (before - 1)) % 251 < 100
            seen.append(captured.taken)
            time.sleep(0.003)
        assert seen == sorted(seen)


def test_a_source_that_dies_and_returns_is_told_of_and_gives_pictures_again() -> None:
    told: list[Status] = []
    missing = iter([False, True, True, True])
    sources: list[Source] = []

    def opener() -> Source:
        if next(missing, False):
            raise CaptureError("It is not there. Plug it in.")
        sources.append(Scripted(live(2) if sources else dying()))
        return sources[-1]

    with Camera("it", opener, QUICK, told.append) as camera:
        until(lambda: told and isinstance(told[-1], DeviceBack))
        captured = camera.newest()
        assert captured is not None and captured.rgb[0, 0, 0] == 2
    assert told[0] == CameraOpened(12, 8, depth=False)
    assert told[1:3] == [Lost("It is gone. Plug it in."), Lost("It is not there. Plug it in.")]
    assert len(told) == 4 and isinstance(told[3], DeviceBack) and told[3].after > 0
    assert all(isinstance(source, Scripted) and source.closed for source in sources)


def test_a_read_that_never_returns_is_left_behind_and_what_it_gives_later_is_not_used() -> None:
    released = threading.Event()
    sources: list[Any] = []

    class Blocking:
        def __init__(self) -> None:
            self.gave = self.closed = False

        def read(self) -> Captured | None:
            released.wait(LONG)
            self.gave = True
            return picture(99)

        def close(self) -> None:
            self.closed = True

    def opener() -> Source:
        source: Source = Scripted(live(3)) if sources else Blocking()
        sources.append(source)
        return source

    told: list[Status] = []
    with Camera("it", opener, IMPATIENT, told.append) as camera:
        assert camera.wait(LONG) is not None
        assert isinstance(told[0], Lost) and "gives no pictures" in told[0].reason
        released.set()
        until(lambda: sources[0].closed)
        for _ in range(20):
            captured = camera.newest()
            assert captured is not None and captured.rgb[0, 0, 0] == 3
            time.sleep(0.002)


@pytest.mark.parametrize("where", ["open", "read", "close"])
def test_closing_never_hangs_and_hanging_threads_are_few(where: str) -> None:
    released, opened = threading.Event(), []

    class Hanging:
        def read(self) -> Captured | None:
            if where == "read":
                released.wait(LONG)
            return picture()

        def close(self) -> None:
            if where == "close":
                released.wait(LONG)

    def opener() -> Source:
        opened.append(time.monotonic())
        if where == "open":
            released.wait(LONG)
        return Hanging()

    try:
        camera = Camera("it", opener, IMPATIENT)
        camera.start()
        time.sleep(0.05 if where == "close" else 2.0)
        began = time.monotonic()
        camera.close()
        camera.close()
        assert time.monotonic() - began < 20
        assert 1 <= len(opened) <= IMPATIENT.hanging
        assert camera.newest() is None
    finally:
        released.set()


def test_closing_works_before_the_start_while_waiting_and_from_its_own_thread() -> None:
    Camera("it", lambda: Scripted(live())).close()

    def fail() -> Source:
        raise CaptureError("It is not there. Plug it in.")

    told = threading.Event()
    waiting = Camera("it", fail, Patience(first_pause=600, longest_pause=600), lambda status: told.set())
    waiting.start()
    assert told.wait(LONG)
    waiting.close()
    ours: list[Camera] = []
    ours.append(Camera("it", lambda: Scripted(live()), QUICK, lambda status: ours[0].close()))
    ours[0].start()
    until(lambda: ours[0].status is not None and ours[0].newest() is None)


def test_rubbish_is_not_handed_on() -> None:
    now, wall = time.monotonic(), time.time()
    good = np.zeros((8, 12, 3), np.uint8)
    rubbish = [
        None,
        good[..., 0],
        good.astype(np.float32),
        good[:0],
        good[..., :2],
        np.zeros((8, 12, 4), np.uint8),
    ]
    script = [Captured(rgb, now, wall) for rgb in rubbish]  # type: ignore[arg-type]  # that is the point
    unfit = Captured(good + 1, time.monotonic(), wall, np.zeros((4, 6), np.uint16))
    with Camera("it", lambda: Scripted(iter([*script, unfit])), QUICK) as camera:
        until(lambda: isinstance(camera.status, Ended))
        captured = camera.newest()
        assert captured is not None and captured.depth is None
        assert captured.rgb[0, 0, 0] == 1


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.floats(0, 100), max_size=8),
    st.floats(0, 200),
    st.floats(0, 50),
)
def test_no_frame_is_given_that_is_too_old(times: list[float], now: float, oldest: float) -> None:
    camera = Camera("it", lambda: Scripted(live()), clock=lambda: now)
    for place, taken in enumerate(times):
        camera._put(Captured(np.full((4, 4, 3), 20 * place, np.uint8), taken, 0.0))
    fresh = bool(times) and now - max(times) <= oldest
    if not fresh:
        with pytest.raises(CaptureError, match=r"has given no picture .*\.$"):
            camera.frame(oldest)
        return
    seen = camera.frame(oldest)
    assert 0 <= seen.age_ms <= 1000 * oldest + 1e-6
    assert seen.age_ms == pytest.approx(1000 * max(0.0, now - max(times)))
    shade = np.asarray(seen.frame.picture).mean()
    assert shade == pytest.approx(20 * times.index(max(times)), abs=2)


def test_a_frame_is_the_picture_that_its_bytes_show_with_the_distances_of_the_instant() -> None:
    with Camera("it", lambda: Scripted(picture(7, depth=True) for _ in range(3)), QUICK) as camera:
        until(lambda: isinstance(camera.status, Ended))
        seen = camera.frame(LONG)
    with Image.open(io.BytesIO(seen.frame.jpeg)) as shown:
        assert shown.format == "JPEG"
        assert np.array_equal(np.asarray(shown), np.asarray(seen.frame.picture))
    assert seen.depth is not None and seen.depth.dtype == np.uint16 and seen.depth.shape == (8, 12)


def test_an_error_says_since_when_and_what_helps() -> None:
    now = [10.0]
    camera = Camera("visit.avi", lambda: Scripted(live()), clock=lambda: now[0])
    now[0] = 13.0
    with pytest.raises(CaptureError, match=r"no picture yet, 3\.0 s after it was started\. Wait a moment"):
        camera.frame(2)
    camera._put(Captured(np.zeros((4, 4, 3), np.uint8), 11.0, 0.0))
    with pytest.raises(CaptureError, match=r"no picture for 2\.0 s\. Wait"):
        camera.frame(1)
    camera._status = Lost("It is gone. Plug it in.")
    with pytest.raises(CaptureError, match=r"no picture for 2\.0 s\. It is gone\. Plug it in\.$"):
        camera.frame(1)
    camera._status = Ended()
    with pytest.raises(CaptureError, match=r"visit\.avi has ended\. Start again"):
        camera.frame(1)
    camera.close()
    with pytest.raises(CaptureError, match=r"closed\. Start it again\."):
        camera.frame(1)


def test_a_password_in_a_reason_is_not_told() -> None:
    told: list[Status] = []

    def opener() -> Source:
        raise CaptureError("No rtsp://me:hidden@host/x there. Check it.")

    with Camera("it", opener, QUICK, told.append):
        until(lambda: told)
    assert told == [Lost("No rtsp://***@host/x there. Check it.")]


def test_a_bug_in_a_source_is_seen_and_the_camera_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    bugs: list[object] = []
    monkeypatch.setattr(threading, "excepthook", bugs.append)
    sources: list[Source] = []

    def buggy() -> Iterator[Captured]:
        yield picture()
        raise ZeroDivisionError

    def opener() -> Source:
        sources.append(Scripted(live(5) if sources else buggy()))
        return sources[-1]

    told: list[Status] = []
    with Camera("it", opener, QUICK, told.append):
        until(lambda: told and isinstance(told[-1], DeviceBack))
    assert len(bugs) == 1
    assert isinstance(told[1], Lost) and "bug" in told[1].reason


def test_nothing_is_begun_before_the_start() -> None:
    threads = threading.active_count()

    def opener() -> Source:
        raise AssertionError("too early")

    camera = Camera("it", opener)
    assert (camera.status, camera.newest(), threading.active_count()) == (None, None, threads)


@pytest.mark.parametrize(
    ("color", "message"),
    [
        ((0, 0, 0), "black"),
        ((9, 4, 12), "black"),
        ((0, 135, 0), "one colour"),
        ((128, 128, 128), "one colour"),
    ],
)
def test_a_picture_that_shows_nothing_is_known(color: tuple[int, int, int], message: str) -> None:
    rgb = np.full((48, 64, 3), color, np.uint8)
    assert message in blankness(rgb)
    rgb[10:20, 10:20] = 200
    assert not blankness(rgb)


@pytest.mark.parametrize("color", [(255, 0, 0), (255, 255, 255), (60, 60, 60), (20, 140, 20)])
def test_a_wall_of_one_colour_may_be_one(color: tuple[int, int, int]) -> None:
    assert not blankness(np.full((48, 64, 3), color, np.uint8))


def test_a_black_picture_is_not_asked_about_as_if_it_were_night() -> None:
    told: list[Status] = []
    light = threading.Event()

    def covered() -> Iterator[Captured]:
        while True:
            yield picture(200 if light.is_set() else 0)

    with Camera("it", lambda: Scripted(covered()), Patience(blank=0.05), told.append) as camera:
        until(lambda: len(told) == 2)
        assert isinstance(told[1], Lost) and "cover" in told[1].reason
        with pytest.raises(CaptureError, match="Take the cover off"):
            camera.frame(LONG)
        light.set()
        until(lambda: len(told) == 3)
        assert isinstance(told[2], DeviceBack) and camera.frame(LONG).frame.picture is not None
