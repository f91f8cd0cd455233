"""Devices by fakes of their libraries: what they are told, and what is made of what they give."""

import datetime
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture import opencv
from capture.absent import missing_message
from capture.picture import Captured, Source
from capture.sources.choosing import opener_of
from capture.sources.realsense import in_millimetres
from capture.spec import Csi, DepthCamera, Network, Openable, Usb
from core.errors import CaptureError, MissingDependencyError
from core.sections import CameraConfig

CONFIG = CameraConfig(width=640, height=480, rate=15)
SHADES = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)


class FakeCapture:
    """What OpenCV's VideoCapture does, with pictures that lie ready; records what it is told."""

    def __init__(self, cv2: Any, *opened: Any) -> None:
        self.cv2, self.opened, self.released = cv2, opened, False
        self.told: dict[str, float] = {}

    def isOpened(self) -> bool:
        return bool(self.cv2.there)

    def getBackendName(self) -> str:
        return str(self.cv2.backend)

    def set(self, name: str, value: float) -> bool:
        self.told[name] = value
        return False

    def get(self, name: str) -> float:
        return float(self.cv2.says.get(name, 0.0))

    def grab(self) -> bool:
        time.sleep(0.04)  # more than half of what a picture takes at 15 a second
        self.now = next(self.cv2.pictures, None)
        return self.now is not None

    def retrieve(self) -> tuple[bool, Any]:
        if isinstance(self.now, Exception):
            raise self.now
        return (False, None) if isinstance(self.now, str) else (True, self.now)

    def release(self) -> None:
        self.released = True


class FakeCv2(ModuleType):
    """As much of OpenCV as is used."""

    __version__, __file__ = "5.0.0", "/somewhere/cv2/__init__.py"
    COLOR_GRAY2RGB, COLOR_BGR2RGB, COLOR_BGRA2RGB = "grey", "bgr", "bgra"
    CAP_V4L2, CAP_ANY, CAP_FFMPEG, CAP_GSTREAMER = "v4l2", "any", "ffmpeg", "gstreamer"
    CAP_PROP_OPEN_TIMEOUT_MSEC, CAP_PROP_READ_TIMEOUT_MSEC = 53, 54

    class error(Exception):
        """What it raises."""

    def __init__(self) -> None:
        super().__init__("cv2")
        self.there, self.backend, self.parts = True, "FAKE", "  FFMPEG:    YES\n  GStreamer:    NO\n"
        self.says: dict[str, float] = {}
        self.pictures: Iterator[Any] = iter([])
        self.captures: list[FakeCapture] = []
        for name in ("FOURCC", "FRAME_WIDTH", "FRAME_HEIGHT", "FPS", "BUFFERSIZE", "POS_MSEC"):
            setattr(self, f"CAP_PROP_{name}", name)

    def VideoCapture(self, *opened: Any) -> FakeCapture:
        self.captures.append(FakeCapture(self, *opened))
        return self.captures[-1]

    def VideoWriter_fourcc(self, *letters: str) -> str:
        return "".join(letters)

    def getBuildInformation(self) -> str:
        return self.parts

    def cvtColor(self, picture: Any, code: str) -> Any:
        if code == "grey":
            return np.repeat(picture.reshape(*picture.shape[:2], 1), 3, axis=2)
        return np.ascontiguousarray(picture[..., 2::-1])


@pytest.fixture
def cv2(monkeypatch: pytest.MonkeyPatch) -> FakeCv2:
    fake = FakeCv2()
    monkeypatch.setitem(sys.modules, "cv2", fake)
    return fake


def read(source: Source) -> Captured:
    captured = source.read()
    assert captured is not None
    return captured


def test_a_usb_camera_is_asked_for_what_is_set_and_buffers_one_picture(cv2: FakeCv2) -> None:
    source = opener_of(Usb("/dev/video2"), CONFIG)()
    capture = cv2.captures[0]
    assert capture.opened == ("/dev/video2", "v4l2" if sys.platform.startswith("linux") else "any")
    assert list(capture.told.items()) == [
        ("FOURCC", "MJPG"), ("FRAME_WIDTH", 640), ("FRAME_HEIGHT", 480), ("FPS", 15.0), ("BUFFERSIZE", 1),
    ]  # fmt: skip
    source.close()
    assert capture.released


def test_a_csi_camera_is_a_pipeline_where_opencv_has_gstreamer(cv2: FakeCv2) -> None:
    with pytest.raises(CaptureError, match=r"OpenCV 5\.0\.0 in .*cv2 was built without it.*python3-opencv"):
        opener_of(Csi(1), CONFIG)
    cv2.parts = "  FFMPEG:    YES\n  GStreamer:                   YES (1.20.3)\n"
    opener_of(Csi(1), CONFIG)()
    description, api = cv2.captures[0].opened
    assert api == "gstreamer" and "sensor-id=1" in description and "width=640" in description


def test_an_address_is_opened_by_ffmpeg_alone_within_bounds(cv2: FakeCv2) -> None:
    opener_of(Network("rtsp://me:hidden@host/x"), CONFIG)()
    assert cv2.captures[0].opened == ("rtsp://me:hidden@host/x", "ffmpeg", [53, 4000, 54, 4000])
    assert "rtsp_transport;tcp" in os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"]
    cv2.there = False
    with pytest.raises(CaptureError, match=r"rtsp://\*\*\*@host/x is not reached"):
        opener_of(Network("rtsp://me:hidden@host/x"), CONFIG)()
    cv2.parts = "  FFMPEG:    NO\n"
    with pytest.raises(CaptureError, match="needs FFmpeg"):
        opener_of(Network("rtsp://me:hidden@host/x"), CONFIG)


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        (SHADES, SHADES[..., ::-1]),
        (SHADES[..., 0], np.repeat(SHADES[..., :1], 3, axis=2)),
        (SHADES[..., :1], np.repeat(SHADES[..., :1], 3, axis=2)),
        (np.concatenate([SHADES, SHADES[..., :1]], axis=2), SHADES[..., ::-1]),
    ],
)
def test_whatever_colours_it_gives_become_rgb(cv2: FakeCv2, given_: Any, expected: Any) -> None:
    cv2.pictures = iter([given_])
    captured = read(opener_of(Usb(0), CONFIG)())
    assert np.array_equal(captured.rgb, expected)
    assert captured.depth is None
    assert captured.wall == pytest.approx(time.time(), abs=60)


def test_the_first_pictures_of_a_sensor_that_shows_nothing_yet_are_passed_over(cv2: FakeCv2) -> None:
    black, green = np.zeros_like(SHADES), np.full_like(SHADES, (0, 135, 0))
    cv2.pictures = iter([black, green, black, SHADES, black])
    source = opener_of(Usb(0), CONFIG)()
    assert np.array_equal(read(source).rgb, SHADES[..., ::-1])
    cv2.pictures = iter([*[black] * 9, SHADES])
    assert not read(source).rgb.any()  # it is not warming up any more


def test_broken_pictures_are_passed_over_and_at_last_said(cv2: FakeCv2) -> None:
    cv2.pictures = iter(["broken", SHADES[:0], SHADES[..., :2], SHADES, *["broken"] * 100])
    source = opener_of(Usb(0), CONFIG)()
    assert read(source).rgb.shape == (4, 6, 3)
    with pytest.raises(CaptureError, match="cannot be used"):
        source.read()


def test_when_no_picture_comes_it_is_said(cv2: FakeCv2) -> None:
    with pytest.raises(CaptureError, match="gives no pictures any more"):
        opener_of(Usb(0), CONFIG)().read()


def test_what_opencv_raises_is_said_without_its_words(cv2: FakeCv2) -> None:
    cv2.pictures = iter([cv2.error("failed for rtsp://me:hidden@host")])
    with pytest.raises(CaptureError, match="OpenCV cannot read the camera") as caught:
        opener_of(Usb(0), CONFIG)().read()
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(("backend", "behind", "used"), [
    ("V4L2", 0.5, True), ("V4L2", 60.0, False), ("V4L2", -60.0, False), ("FFMPEG", 0.5, False),
])  # fmt: skip
def test_the_drivers_own_time_is_used_where_it_can_be(
    cv2: FakeCv2, backend: str, behind: float, used: bool
) -> None:
    cv2.backend, cv2.pictures = backend, iter([SHADES])
    source = opener_of(Usb(0), CONFIG)()
    cv2.says["POS_MSEC"] = 1000.0 * (time.monotonic() - behind)
    captured = read(source)
    assert (captured.taken == pytest.approx(cv2.says["POS_MSEC"] / 1000.0)) == used
    assert time.time() - captured.wall == pytest.approx(time.monotonic() - captured.taken, abs=1.0)


@pytest.mark.parametrize("name", ["cv2", "pyrealsense2", "depthai"])
def test_a_library_that_is_missing_or_broken_is_said_with_what_helps(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    spec: dict[str, Openable] = {
        "cv2": Usb(0), "pyrealsense2": DepthCamera("realsense"), "depthai": DepthCamera("oak"),
    }  # fmt: skip
    extra = {"cv2": "camera", "pyrealsense2": "realsense", "depthai": "oak"}[name]
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises((MissingDependencyError, CaptureError)):
        opener_of(spec[name], CONFIG)
    monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with pytest.raises(MissingDependencyError, match=rf"roomwise\[{extra}\]"):
        opener_of(spec[name], CONFIG)
    (tmp_path / f"{name}.py").write_text("raise ImportError('libGL.so.1: cannot open shared object file')")
    with pytest.raises(CaptureError, match=r"installed but cannot be loaded \(libGL.*apt install"):
        opener_of(spec[name], CONFIG)


@settings(deadline=None)
@given(
    st.booleans(),
    st.booleans(),
    st.lists(st.integers(0, 9).map(lambda n: Path(f"/dev/video{n}")), max_size=3),
)
def test_a_device_that_does_not_open_is_told_apart(exists: bool, allowed: bool, others: list[Path]) -> None:
    text = missing_message(Path("/dev/video7"), exists, allowed, others)
    assert ("There is no camera" in text) == (not exists)
    assert ("group video" in text) == (exists and not allowed)
    assert ("Close other programs" in text) == (exists and allowed)
    assert exists or all(str(path) in text for path in others)
    assert text.endswith(".")


def test_has_reads_the_build_information(cv2: FakeCv2) -> None:
    cv2.parts = "\n    FFMPEG:      YES (prebuilt)\n      avcodec:   YES (58.91.100)\n    gstreamer:   NO\n"
    assert opencv.has(cv2, "FFMPEG") and opencv.has(cv2, "avcodec")
    assert not opencv.has(cv2, "GStreamer") and not opencv.has(cv2, "V4L2")


@settings(deadline=None)
@given(st.lists(st.integers(0, 65535), min_size=1, max_size=20), st.floats(0.05, 20))
def test_distances_become_millimetres_and_never_wrap_around(raw: list[int], unit: float) -> None:
    found = in_millimetres(np.array([raw], np.uint16), unit)
    assert found.dtype == np.uint16
    for value, millimetres in zip(raw, found[0].tolist(), strict=True):
        exact = value * unit
        assert millimetres == (0 if round(exact) > 65535 else round(exact))


def fake_realsense(fail: bool) -> SimpleNamespace:
    """pyrealsense2 as far as it is used: units of a tenth of a millimetre."""
    depth = np.full((4, 6), 15_000, np.uint16)

    def wait_for_frames(timeout_ms: int) -> Any:
        if fail:
            raise RuntimeError("Frame didn't arrive within 2000")
        return SimpleNamespace(
            get_color_frame=lambda: SimpleNamespace(get_data=lambda: SHADES),
            get_depth_frame=lambda: SimpleNamespace(get_data=lambda: depth),
        )

    sensor = SimpleNamespace(get_depth_scale=lambda: 0.0001)
    profile = SimpleNamespace(get_device=lambda: SimpleNamespace(first_depth_sensor=lambda: sensor))
    pipeline = SimpleNamespace(
        start=lambda config: profile, wait_for_frames=wait_for_frames, stop=lambda: None
    )
    return SimpleNamespace(
        pipeline=lambda: pipeline,
        config=lambda: SimpleNamespace(enable_stream=lambda *asked: None),
        stream=SimpleNamespace(color="color", depth="depth"),
        format=SimpleNamespace(rgb8="rgb8", z16="z16"),
        align=lambda stream: SimpleNamespace(process=lambda frames: frames),
    )


def test_a_realsense_gives_colours_and_millimetres_of_one_instant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyrealsense2", fake_realsense(fail=False))
    source = opener_of(DepthCamera("realsense"), CONFIG)()
    captured = read(source)
    source.close()
    assert np.array_equal(captured.rgb, SHADES) and captured.rgb is not SHADES
    assert captured.depth is not None and (captured.depth == 1500).all()


def test_a_realsense_that_gives_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyrealsense2", fake_realsense(fail=True))
    with pytest.raises(CaptureError, match=r"No RealSense camera gives pictures .*USB 3"):
        opener_of(DepthCamera("realsense"), CONFIG)().read()


class Node:
    """Any node of a depthai pipeline: takes every call, hands out the queue."""

    def __init__(self, queue: Any) -> None:
        self._queue = queue
        self.inputs: dict[str, object] = {"rgb": "rgb", "depth": "depth"}

    def __getattr__(self, name: str) -> Any:
        if name == "createOutputQueue":
            return lambda maxSize, blocking: self._queue
        return Node(self._queue)

    def __call__(self, *args: object, **named: object) -> "Node":
        return self


def fake_depthai(group: Any, failing: bool = False) -> Any:
    def get(timeout: datetime.timedelta) -> Any:
        if failing:
            raise RuntimeError("Communication exception - X_LINK_ERROR")
        return group

    class Pipeline:
        def create(self, kind: object) -> Node:
            return Node(SimpleNamespace(get=get))

        def start(self) -> None:
            """It runs."""

        def stop(self) -> None:
            """It stands."""

    camera = SimpleNamespace(requestOutput=None)
    return SimpleNamespace(
        Pipeline=Pipeline,
        node=SimpleNamespace(Camera=camera, StereoDepth="stereo", Sync="sync"),
        CameraBoardSocket=SimpleNamespace(CAM_A="a"),
        ImgFrame=SimpleNamespace(Type=SimpleNamespace(RGB888i="rgb")),
    )


@pytest.mark.parametrize(("behind", "used"), [(0.25, True), (100.0, False), (-100.0, False)])
def test_an_oak_gives_both_with_the_devices_own_time(
    monkeypatch: pytest.MonkeyPatch, behind: float, used: bool
) -> None:
    at = time.monotonic() - behind
    color = SimpleNamespace(getFrame=lambda: SHADES, getTimestamp=lambda: datetime.timedelta(seconds=at))
    depth = SimpleNamespace(getFrame=lambda: np.full((4, 6), 900, np.uint16))
    monkeypatch.setitem(sys.modules, "depthai", fake_depthai({"rgb": color, "depth": depth}))
    source = opener_of(DepthCamera("oak"), CONFIG)()
    captured = read(source)
    source.close()
    assert np.array_equal(captured.rgb, SHADES)
    assert captured.depth is not None and (captured.depth == 900).all()
    assert (captured.taken == pytest.approx(at, abs=1e-3)) == used
    assert captured.taken <= time.monotonic()


@pytest.mark.parametrize("failing", [True, False])
def test_an_oak_that_gives_nothing_is_said(monkeypatch: pytest.MonkeyPatch, failing: bool) -> None:
    monkeypatch.setitem(sys.modules, "depthai", fake_depthai(None, failing))
    with pytest.raises(CaptureError, match="No OAK camera gives pictures"):
        opener_of(DepthCamera("oak"), CONFIG)().read()


def test_an_old_depthai_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "depthai", SimpleNamespace(node=SimpleNamespace(ColorCamera=None)))
    with pytest.raises(CaptureError, match="depthai 3"):
        opener_of(DepthCamera("oak"), CONFIG)
