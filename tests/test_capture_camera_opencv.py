"""Real videos through the OpenCV that is installed."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from capture import opencv
from capture.camera_watch import CameraOpened, Status
from capture.device import Ended
from capture.player import ReelPicture
from capture.sources.choosing import camera_of, opener_of
from capture.spec import OnDisk, Usb
from core.errors import CaptureError
from core.sections import CameraConfig

cv2 = pytest.importorskip("cv2")
LONG = 120.0
RATE, COUNT = 20.0, 24


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """24 pictures, 20 a second, each ten shades lighter than the one before; the left half is red alone."""
    path = tmp_path / "film of:the room.avi"
    opencv.library()
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), RATE, (64, 48))
    for number in range(COUNT):
        picture = np.full((48, 64, 3), 10 * number, np.uint8)
        picture[:, :32, :2] = 0
        writer.write(picture)
    writer.release()
    return path


def number_of(shown: ReelPicture | None) -> int:
    assert shown is not None
    return round(float(shown.rgb[:, 40:].mean()) / 10)


def test_a_video_plays_at_its_own_speed_in_rgb(video: Path) -> None:
    reel = opencv.VideoReel(cv2, video, 5.0)
    assert reel.tick == 1 / RATE
    seen = {seconds: number_of(reel.at(seconds)) for seconds in (0.0, 0.049, 0.051, 0.3, 1.149)}
    assert seen == {0.0: 0, 0.049: 0, 0.051: 1, 0.3: 6, 1.149: 22}
    assert number_of(reel.at(1.149)) == 22
    shown = reel.at(1.16)
    assert shown is not None and shown.rgb.shape == (48, 64, 3) and shown.rgb.dtype == np.uint8
    red, green, blue = shown.rgb[:, 4:28].reshape(-1, 3).mean(axis=0)
    assert red > 200 and green < 30 and blue < 30
    assert reel.at(1.21) is None
    reel.rewind()
    assert number_of(reel.at(0.1)) == 2
    reel.close()


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="makes the video")
def test_each_picture_of_a_video_of_variable_rate_is_shown_at_its_own_time(tmp_path: Path) -> None:
    path = tmp_path / "phone.mkv"
    made = "color=size=64x48:rate=20:duration=5,geq=lum='50+40*floor(T)':cb=128:cr=128"
    some = "select='lt(t,1)+not(mod(n,20))'"  # one second at 20 pictures, then four with one
    options = ["-f", "lavfi", "-i", f"{made},{some}", "-fps_mode", "vfr", "-c:v", "mjpeg"]
    subprocess.run(["ffmpeg", "-v", "error", *options, str(path)], check=True)
    reel = opencv.VideoReel(cv2, path, 5.0)
    shades = {}
    for seconds in (0.5, 1.2, 1.9, 3.5, 4.9):
        shown = reel.at(seconds)
        assert shown is not None
        shades[seconds] = float(shown.rgb.mean())
    steps = np.diff([shades[seconds] for seconds in (0.5, 1.2, 3.5, 4.9)])
    assert shades[1.2] == shades[1.9] and steps == pytest.approx([46.6, 93.2, 46.6], abs=8)
    assert reel.at(5.1) is None
    reel.close()


@pytest.mark.parametrize(
    ("before", "now", "pause"),
    [(1.0, 1.5, 0.5), (0.0, 0.0, 0.1), (5.0, 1.0, 0.1), (0.0, 95_443.0, 0.1), (0.0, float("nan"), 0.1)],
)
def test_times_of_a_video_that_say_nothing_are_not_believed(before: float, now: float, pause: float) -> None:
    assert opencv.frame_pause(before, now, 0.1) == pause


def test_who_comes_too_late_for_all_of_it_has_missed_it(video: Path) -> None:
    reel = opencv.VideoReel(cv2, video, 5.0)
    assert reel.at(100.0) is None
    reel.close()


def test_a_video_is_a_camera_that_ends(video: Path) -> None:
    told: list[Status] = []
    with camera_of(OnDisk(video), CameraConfig(repeat=False), told.append) as camera:
        end = time.monotonic() + LONG
        while not isinstance(camera.status, Ended):
            assert time.monotonic() < end
            time.sleep(0.01)
        assert camera.newest() is not None
        time.sleep(0.05)
        with pytest.raises(CaptureError, match="has ended"):
            camera.frame(0.04)
    assert told == [CameraOpened(64, 48, depth=False), Ended()]


def test_a_video_that_repeats_goes_on(video: Path) -> None:
    source = opener_of(OnDisk(video), CameraConfig())()
    began, last = time.monotonic(), -1.0
    while time.monotonic() - began < 2 * COUNT / RATE:
        captured = source.read()
        assert captured is not None and captured.taken > last
        last = captured.taken
    source.close()


def test_a_video_that_was_cut_off_plays_as_far_as_it_goes(video: Path) -> None:
    data = video.read_bytes()
    video.write_bytes(data[: len(data) // 2])
    reel = opencv.VideoReel(cv2, video, RATE)
    assert number_of(reel.at(0.0)) == 0
    assert reel.at(10.0) is None
    reel.close()


@pytest.mark.parametrize(
    "content", [b"", b"no video", b"RIFF\0\0\0\0AVI ", b"#EXTM3U\nhttp://127.0.0.1:9/a.ts\n"]
)
def test_what_is_no_video_is_said_before_the_start(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.avi"
    path.write_bytes(content)
    with pytest.raises(CaptureError, match="is not a video that can be played"):
        camera_of(OnDisk(path), CameraConfig())


def test_the_opencv_that_is_installed_says_what_it_has() -> None:
    library = opencv.library()
    assert opencv.has(library, "FFMPEG")
    assert not opencv.has(library, "no such part")
    assert os.environ["OPENCV_FFMPEG_LOGLEVEL"] == "-8"


def test_a_device_that_is_not_there_is_said(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CaptureError, match=r"/dev/video97|camera 97"):
        opener_of(Usb(97), CameraConfig())()
    assert capfd.readouterr() == ("", "")
