"""Pictures, folders and recorded sessions are cameras too, at their own times, and never need a library."""

import dataclasses
import itertools
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from capture.picture import Captured
from capture.player import Player, ReelPicture
from capture.sources.choosing import camera_of, opener_of
from capture.sources.folder import frames_of, pictures_of
from capture.sources.stills import Still, Stills
from capture.spec import OnDisk, parse
from core.errors import CaptureError
from core.event_lines import to_line
from core.events import Answered, Asked
from core.sections import CameraConfig

DEMO = Path(__file__).resolve().parent.parent / "agent" / "recording" / "demo" / "session"
LONG = 120.0


class Clock:
    """Turned by whoever sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


def draw(path: Path, shade: int, size: tuple[int, int] = (12, 8)) -> Path:
    Image.new("RGB", size, (shade, shade, shade)).save(path)
    return path


def shade(captured: Captured | ReelPicture | None) -> int:
    assert captured is not None
    return round(float(captured.rgb.mean()))


def record(folder: Path, asked: Sequence[tuple[float, float, str]]) -> None:
    """A session as the agent leaves it: (at, age of the frame in ms, SHA-256 of the frame)."""
    (folder / "session.json").write_text(json.dumps({"format": 1, "room": "kitchen"}))
    events = [
        Asked(at=at, turn=turn, question="What?", frame=frame, frame_age_ms=age)
        for turn, (at, age, frame) in enumerate(asked, start=1)
    ]
    said = Answered(at=1.0, turn=1, by="expert", text="a cup", confidence=1.0, latency_ms=5.0)
    lines = [to_line(event) for event in (*events[:1], said, *events[1:])]
    (folder / "events.jsonl").write_text("\n".join([*lines, '{"event": "Asked", "at'] if lines else lines))


@settings(deadline=None)
@given(st.lists(st.floats(0, 100), min_size=1, max_size=9), st.floats(0, 120))
def test_which_picture_is_due(gaps: list[float], seconds: float) -> None:
    starts = np.cumsum([0.0, *gaps]).tolist()
    due = Stills.due(starts, seconds)
    assert starts[due] <= seconds
    assert all(start > seconds for start in starts[due + 1 :])


def test_a_folder_is_played_in_the_order_of_its_numbers_and_repeats(tmp_path: Path) -> None:
    for number in (0, 2, 10, 9):
        draw(tmp_path / f"frame-{number}.png", 10 * number)
    (tmp_path / "notes.txt").write_text("no picture")
    clock = Clock()
    player = Player(Stills(*pictures_of(tmp_path, 1.0), "it", 10**6), True, clock, clock.sleep)
    seen = [player.read() for _ in range(100)]
    taken = [captured.taken for captured in seen if captured]
    assert np.allclose(np.diff(taken), 0.1)
    shades = [shade(captured) for captured in seen]
    changes = [shades[0], *(late for early, late in itertools.pairwise(shades) if early != late)]
    assert changes[:9] == [0, 20, 90, 100, 0, 20, 90, 100, 0]


def test_a_folder_ends_when_it_is_not_to_be_repeated(tmp_path: Path) -> None:
    draw(tmp_path / "a.png", 10)
    clock = Clock()
    player = Player(Stills(*pictures_of(tmp_path, 1.0), "it", 10**6), False, clock, clock.sleep)
    count = 0
    while player.read() is not None:
        count += 1
    assert count == pytest.approx(10, abs=1)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(0, 3), max_size=30))
def test_who_is_late_leaves_pictures_out_and_is_late_no_more(delays: list[float]) -> None:
    class Counting:
        tick = 0.1

        def at(self, seconds: float) -> ReelPicture | None:
            return ReelPicture(np.full((1, 1, 3), min(255, int(seconds)), np.uint8))

        def rewind(self) -> None:
            raise AssertionError("it has no end")

        def close(self) -> None:
            pass

    clock = Clock()
    player = Player(Counting(), False, clock, clock.sleep)
    for delay in delays:
        clock.now += delay
        captured = player.read()
        assert captured is not None
        assert captured.taken == clock.now
        assert shade(captured) == min(255, int(clock.now - 100.0))


def test_distances_that_lie_beside_a_picture_come_with_it(tmp_path: Path) -> None:
    draw(tmp_path / "frame-0.png", 10)
    draw(tmp_path / "frame-1.png", 20)
    draw(tmp_path / "frame-2.png", 30)
    depth = np.arange(96, dtype=np.uint16).reshape(8, 12) + 1000
    Image.fromarray(depth).save(tmp_path / "depth-0.png")
    Image.fromarray(depth[:4]).save(tmp_path / "depth-1.png")  # of another size
    (tmp_path / "depth-2.png").write_bytes(b"no picture")
    reel = Stills(*pictures_of(tmp_path, 1.0), "it", 10**6)
    first, second, third = reel.at(0.0), reel.at(1.0), reel.at(2.0)
    assert first and second and third
    assert first.depth is not None and first.depth.dtype == np.uint16
    assert np.array_equal(first.depth, depth)
    assert second.depth is None and third.depth is None


def test_a_picture_that_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8 broken")
    draw(tmp_path / "b.png", 50)
    (tmp_path / "c.png").write_bytes(b"")
    draw(tmp_path / "d.png", 90, (2000, 2000))
    reel = Stills(*pictures_of(tmp_path, 1.0), "it", 10**6)
    assert [shade(reel.at(second)) for second in (0.0, 1.0, 2.0, 3.0, 3.9)] == [50] * 5
    assert reel.at(4.0) is None


def test_a_folder_without_one_that_can_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8 broken")
    reel = Stills(*pictures_of(tmp_path, 1.0), "the visit", 10**6)
    with pytest.raises(CaptureError, match=r"No picture of the visit can be used.*\.$"):
        reel.at(0.0)


def test_a_recorded_session_is_seen_at_its_own_times(tmp_path: Path) -> None:
    names = [f"{number:064x}" for number in range(3)]
    (tmp_path / "blobs").mkdir()
    for number, name in enumerate(names):
        draw(tmp_path / "blobs" / f"{name}.png", 100 + 50 * number).rename(tmp_path / "blobs" / f"{name}.jpg")
    record(tmp_path, [(1000.0, 500.0, names[0]), (1004.0, 1000.0, names[1]), (1304.0, 0.0, names[2])])
    stills, seconds = frames_of(tmp_path, 2.0)
    assert [still.at for still in stills] == [0.0, 3.5, 63.5]  # nobody waits for long
    assert seconds == 65.5
    assert [still.wall for still in stills] == [999.5, 1003.0, 1304.0]
    reel = Stills(stills, seconds, "it", 10**6)
    assert [shade(reel.at(second)) for second in (0, 3.4, 3.6, 63.6)] == [100, 100, 150, 200]
    opened = opener_of(OnDisk(tmp_path), CameraConfig())()
    captured = opened.read()
    assert captured is not None and captured.wall == 999.5 and shade(captured) == 100
    opened.close()


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.floats(0, 2e9), st.floats(0, 1e5)), min_size=1, max_size=9))
def test_a_recording_whose_clock_was_set_still_goes_forward(
    tmp_path_factory: pytest.TempPathFactory, asked: list[tuple[float, float]]
) -> None:
    folder = tmp_path_factory.mktemp("recording")
    record(folder, [(at, age, "a" * 64) for at, age in asked])
    stills, seconds = frames_of(folder, 2.0)
    starts = [still.at for still in stills]
    assert starts == sorted(starts) and starts[0] == 0.0
    assert seconds == starts[-1] + 2.0 <= 60.0 * len(asked) + 2.0


def test_a_frame_of_a_recording_never_names_another_file(tmp_path: Path) -> None:
    record(tmp_path, [(1.0, 0.0, "../../secret"), (2.0, 0.0, "/etc/passwd")])
    with pytest.raises(CaptureError, match="No question was asked"):
        frames_of(tmp_path, 1.0)


def damaged(folder: Path) -> None:
    (folder / "events.jsonl").write_bytes(b'{"event": "Asked", "at": 1}\nnonsense\n')


def nothing(folder: Path) -> None:
    """An empty folder."""


@pytest.mark.parametrize(
    ("make", "message"), [(damaged, "Line 1 of .* is damaged"), (nothing, "no picture in")]
)
def test_a_folder_that_is_no_use_is_said_before_the_start(
    tmp_path: Path, make: Callable[[Path], None], message: str
) -> None:
    make(tmp_path)
    with pytest.raises(CaptureError, match=message):
        camera_of(OnDisk(tmp_path), CameraConfig())


def test_what_is_not_there_is_said_before_the_start(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match=r"There is no camera, file or folder .*camera\.source"):
        camera_of(OnDisk(tmp_path / "kitchn"), CameraConfig())


def test_the_session_that_comes_with_the_program_is_a_camera_with_distances() -> None:
    spec = parse(str(DEMO))
    assert isinstance(spec, OnDisk)
    with camera_of(spec, CameraConfig()) as camera:
        assert camera.wait(LONG) is not None
        seen = camera.frame(LONG)
    assert seen.frame.picture.size == (224, 224)
    assert seen.depth is not None and seen.depth.shape == (224, 224)
    assert 300 < np.median(seen.depth) < 10_000


def test_one_picture_is_a_camera_that_shows_it_on_and_on(tmp_path: Path) -> None:
    spec = OnDisk(draw(tmp_path / "room.jpg", 60))
    with camera_of(spec, CameraConfig(picture_seconds=0.05)) as camera:
        first = camera.wait(LONG)
        assert first is not None, camera.status
        assert shade(first) == 60
        later = camera.wait(LONG, after=first.taken)
        assert later is not None and shade(later) == 60


def test_a_still_says_all_that_there_is_to_say(tmp_path: Path) -> None:
    still = Still(draw(tmp_path / "a.png", 10), 0.0, wall=5.0)
    gone = dataclasses.replace(still, path=tmp_path / "gone.png")
    reel = Stills([gone, still], 1.0, "it", 10**6)
    shown = reel.at(0.5)
    assert shown is not None and shown.wall == 5.0
