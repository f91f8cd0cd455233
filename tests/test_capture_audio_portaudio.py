import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from capture.audio_portaudio import portaudio, settings
from core.errors import CaptureError, MissingDependencyError


class Broken(Exception):
    pass


class FakeStream:
    """Takes only what its device takes, and one program at a time."""

    open: bool

    def __init__(self, library: "FakeLibrary", **asked: Any) -> None:
        if (asked["samplerate"], asked["channels"]) not in library.takes:
            raise Broken("Invalid sample rate")
        if any(stream.open for stream in library.streams):
            raise Broken("Device unavailable")
        self.open, self.starts = True, library.starts
        self.samplerate, self.channels = float(asked["samplerate"]), asked["channels"]
        self.callback, self.blocksize = asked["callback"], asked["blocksize"]
        self.active = False
        library.streams.append(self)

    def start(self) -> None:
        if self.starts is not None and self.samplerate not in self.starts:
            raise Broken("Unanticipated host error")
        self.active = True

    def close(self, ignore_errors: bool = True) -> None:
        assert ignore_errors
        self.active = self.open = False

    def give(self, frames: NDArray[np.float32]) -> None:
        times = SimpleNamespace(currentTime=7.0, inputBufferAdcTime=6.9)
        self.callback(frames, len(frames), times, None)


class FakeLibrary(ModuleType):
    PortAudioError = Broken

    def __init__(self) -> None:
        super().__init__("sounddevice")
        self.takes = {(44_100, 1)}
        self.starts: set[int] | None = None  # rates, None for all
        self.device: dict[str, Any] | None = {
            "name": "USB", "default_samplerate": 44_100.0, "max_input_channels": 1,
        }  # fmt: skip
        self.streams: list[FakeStream] = []
        self.asked: list[Any] = []
        self.begun = 0

    def query_devices(self, device: Any, kind: str) -> dict[str, Any]:
        assert kind == "input"
        self.asked.append(device)
        if self.device is None:
            raise ValueError("No input device matching 'x'")
        return self.device

    def InputStream(self, **asked: Any) -> FakeStream:
        return FakeStream(self, **asked)

    def _terminate(self) -> None:
        self.begun -= 1

    def _initialize(self) -> None:
        self.begun += 2


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeLibrary]:
    fake = FakeLibrary()
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    yield fake


def _nobody(frames: NDArray[Any], at: float) -> None:
    raise AssertionError("nobody listens")


def test_the_device_is_opened_at_its_own_rate_and_what_it_gives_is_copied(
    library: FakeLibrary, tmp_path: Path
) -> None:
    heard: list[NDArray[Any]] = []
    opener = portaudio("", tmp_path / "log")
    stream = opener(lambda frames, at: heard.append(frames))
    assert (stream.rate, stream.channels) == (44_100, 1)
    assert library.asked == [None] and library.begun == 0
    frames = np.ones((4, 1), np.float32)
    library.streams[0].give(frames)
    frames[:] = 0
    assert heard[0].tolist() == [[1.0]] * 4
    assert stream.alive()
    stream.close()
    assert not stream.alive()


def test_opened_again_it_looks_for_devices_anew(library: FakeLibrary, tmp_path: Path) -> None:
    opener = portaudio("2", tmp_path / "log")
    opener(_nobody).close()
    opener(_nobody).close()
    assert library.begun == 1 and library.asked == [2, 2]


@pytest.mark.parametrize(("takes", "expected"), [((48_000, 2), (48_000, 2)), ((16_000, 1), (16_000, 1))])
def test_a_device_that_refuses_its_own_rate_or_channels_is_asked_for_others(
    library: FakeLibrary, tmp_path: Path, takes: tuple[int, int], expected: tuple[int, int]
) -> None:
    library.takes = {takes}
    library.device = {"name": "default", "default_samplerate": 44_100.0, "max_input_channels": 128}
    stream = portaudio("default", tmp_path / "log")(_nobody)
    assert (stream.rate, stream.channels) == expected
    stream.close()


def test_a_device_that_refuses_everything_says_so(library: FakeLibrary, tmp_path: Path) -> None:
    library.takes = set()
    with pytest.raises(CaptureError, match=r"'USB' cannot be opened: Invalid sample rate.*voice\.microphone"):
        portaudio("", tmp_path / "log")(_nobody)


@pytest.mark.parametrize(("name", "message"), [("", "No microphone was found"), ("x", "no microphone 'x'")])
def test_no_device_says_what_to_do(library: FakeLibrary, tmp_path: Path, name: str, message: str) -> None:
    library.device = None
    with pytest.raises(CaptureError, match=f"{message}.*Plug one in"):
        portaudio(name, tmp_path / "log")(_nobody)


def test_a_stream_that_does_not_start_is_closed_before_the_next_is_tried(
    library: FakeLibrary, tmp_path: Path
) -> None:
    library.takes, library.starts = {(44_100, 1), (16_000, 1)}, {16_000}
    stream = portaudio("", tmp_path / "log")(_nobody)
    assert stream.rate == 16_000 and [one.open for one in library.streams] == [False, True]
    stream.close()


def test_settings_begin_with_the_devices_own() -> None:
    assert list(settings(48_000.0, 1)) == [(48_000, 1), (44_100, 1), (16_000, 1)]
    assert next(settings(44_100.0, 6)) == (44_100, 6)
    assert next(settings(44_100.0, 64)) == (44_100, 2)
    assert next(settings(0.0, 1)) == next(settings(float("nan"), 1)) == (48_000, 1)


def test_without_portaudio_the_package_to_install_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    with pytest.raises(CaptureError, match="apt install libportaudio2"):
        portaudio("", tmp_path / "log")


def test_without_sounddevice_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "sounddevice.py").write_text("raise ModuleNotFoundError('no', name='sounddevice')")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    with pytest.raises(MissingDependencyError, match=r"roomwise\[voice\]"):
        portaudio("", tmp_path / "log")
