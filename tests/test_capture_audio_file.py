import struct
import sys
import wave
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from capture.audio import RATE, Block
from capture.audio_file import PIECE, FileMicrophone, open_sound
from capture.audio_wave import pcm
from core.errors import CaptureError


class Clock:
    """Turned by hand, and by who sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def _write(path: Path, sound: NDArray[np.float64], rate: int, width: int = 2) -> Path:
    whole = np.round(sound * (2 ** (8 * width - 1) - 1)).astype("<i8")
    if width == 1:
        whole += 128
    data = whole.view(np.uint8).reshape(-1, 8)[:, :width].tobytes()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(sound.shape[1])
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(data)
    return path


def _tone(seconds: float, rate: int, channels: int = 1) -> NDArray[np.float64]:
    tone = 0.5 * np.sin(2 * np.pi * 300 * np.arange(int(seconds * rate)) / rate)
    return np.repeat(tone[:, None], channels, axis=1)


def _all(microphone: FileMicrophone, timeout: float = 1.0) -> list[Block]:
    blocks = []
    while not microphone.ended:
        if (block := microphone.read(timeout)) is not None:
            blocks.append(block)
    return blocks


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_samples_of_every_width(width: int, tmp_path: Path) -> None:
    sound = _tone(0.1, RATE)
    read = open_sound(_write(tmp_path / "a.wav", sound, RATE, width)).read(10_000)
    np.testing.assert_allclose(read, sound, atol=2.0 ** (2 - 8 * width))
    assert pcm(b"", width).shape == (0,)


@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (22_050, 2), (48_000, 6)])
def test_as_fast_as_it_goes_with_the_times_it_would_have_had(
    tmp_path: Path, rate: int, channels: int
) -> None:
    clock = Clock()
    path = _write(tmp_path / "a.wav", _tone(1.0, rate, channels), rate)
    microphone = FileMicrophone(path, real_time=False, clock=clock, sleep=clock.sleep)
    microphone.start()
    blocks = _all(microphone)
    microphone.close()
    sound, at = np.concatenate([block.samples for block in blocks]), 100.0
    for block in blocks:
        assert block.at == pytest.approx(at)
        at = block.ended
    assert at == pytest.approx(101.0, abs=0.001)
    np.testing.assert_allclose(sound[800:-800], _tone(1.0, RATE)[800:-800, 0], atol=0.01)
    assert clock.now == 100.0
    assert microphone.read(1.0) is None


def test_in_real_time_nothing_comes_before_it_was_said(tmp_path: Path) -> None:
    clock = Clock()
    path = _write(tmp_path / "a.wav", _tone(0.5, RATE), RATE)
    microphone = FileMicrophone(path, clock=clock, sleep=clock.sleep)
    microphone.start()
    assert microphone.read(PIECE / 2) is None
    while not microphone.ended:
        block = microphone.read(1.0)
        assert block is not None and clock.now >= block.ended - 1e-9
    assert clock.now == pytest.approx(100.5, abs=0.1)
    microphone.close()


@pytest.mark.parametrize("data", [b"RIFF\xff\xff\xff\xffWAVEfmt \x10\x00\x00\x00", b"", b"fLaC" + bytes(50)])
def test_what_is_no_sound_is_said(tmp_path: Path, data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "soundfile", _library(None))
    (tmp_path / "a.wav").write_bytes(data)
    with pytest.raises(CaptureError, match="ffmpeg"):
        FileMicrophone(tmp_path / "a.wav").start()


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="Check the path"):
        open_sound(tmp_path / "none.wav")


def test_a_rate_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="100 samples a second"):
        open_sound(_write(tmp_path / "a.wav", _tone(1, 100), 100))


def test_a_file_that_is_cut_short_is_heard_as_far_as_it_goes(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.wav", _tone(1.0, RATE, 2), RATE)
    path.write_bytes(path.read_bytes()[:20_001])
    microphone = FileMicrophone(path, real_time=False)
    microphone.start()
    assert sum(len(block.samples) for block in _all(microphone)) == (20_001 - 44) // 4
    microphone.close()


def _wav(
    layout: tuple[int, int, int], data: bytes, stated: int | None = None, riff: int | None = None
) -> bytes:
    """A WAV file with these channels, bytes a frame and bits a sample, and lengths as stated."""
    channels, frame, bits = layout
    body = b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, channels, RATE, RATE * frame, frame, bits)
    body += b"data" + struct.pack("<I", len(data) if stated is None else stated) + data
    return b"RIFF" + struct.pack("<I", len(body) if riff is None else riff) + body


@pytest.mark.parametrize("stated", [0, 1000, 31_001, 90_000, 0xFFFFFFFF])
@pytest.mark.parametrize("riff", [None, 0, 36, 0xFFFFFFFF])
def test_a_header_that_is_wrong_about_lengths_hides_no_sound(
    tmp_path: Path, stated: int, riff: int | None
) -> None:
    data = np.round(_tone(1.0, RATE) * 32767).astype("<i2").tobytes()
    (tmp_path / "a.wav").write_bytes(_wav((1, 2, 16), data, stated, riff))
    np.testing.assert_allclose(open_sound(tmp_path / "a.wav").read(RATE), _tone(1.0, RATE)[:RATE], atol=1e-4)


def test_what_stands_after_the_sound_is_no_sound(tmp_path: Path) -> None:
    data = np.round(_tone(0.1, RATE) * 32767).astype("<i2").tobytes()
    (tmp_path / "a.wav").write_bytes(_wav((1, 2, 16), data + b"LIST\4\0\0\0INFO", len(data)))
    assert len(open_sound(tmp_path / "a.wav").read(RATE)) == RATE // 10


def test_24_bits_in_32_are_read(tmp_path: Path) -> None:
    data = np.round(_tone(0.1, RATE) * (2**31 - 1)).astype("<i4").tobytes()
    (tmp_path / "a.wav").write_bytes(_wav((1, 4, 24), data))
    np.testing.assert_allclose(open_sound(tmp_path / "a.wav").read(RATE), _tone(0.1, RATE), atol=1e-6)


@pytest.mark.parametrize("layout", [(0, 2, 16), (1, 5, 40), (1, 2, 0), (0xFFFF, 2, 16)])
def test_a_header_that_cannot_be_true_is_said(
    tmp_path: Path, layout: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "soundfile", _library(None))
    (tmp_path / "a.wav").write_bytes(_wav(layout, bytes(100)))
    with pytest.raises(CaptureError, match="ffmpeg"):
        open_sound(tmp_path / "a.wav")


def test_a_file_without_any_sound_is_said(tmp_path: Path) -> None:
    pytest.importorskip("soundfile")
    with pytest.raises(CaptureError, match="There is no sound in"):
        open_sound(_write(tmp_path / "a.wav", _tone(0.0, RATE), RATE))


def _library(sound: NDArray[np.float64] | None) -> ModuleType:
    """soundfile, which reads every file as this sound, or none."""

    class LibsndfileError(Exception):
        pass

    class SoundFile:
        samplerate, frames = RATE, 1

        def __init__(self, path: str) -> None:
            if sound is None:
                raise LibsndfileError("not a sound")
            self.at = 0

        def read(self, frames: int, **asked: Any) -> NDArray[np.float32]:
            assert asked == {"dtype": "float32", "always_2d": True} and sound is not None
            self.at += frames
            return sound[self.at - frames : self.at].astype(np.float32)

        def close(self) -> None:
            pass

    library = ModuleType("soundfile")
    library.LibsndfileError, library.SoundFile = LibsndfileError, SoundFile  # type: ignore[attr-defined]
    return library


def test_other_formats_are_read_by_soundfile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = _tone(0.3, RATE)
    monkeypatch.setitem(sys.modules, "soundfile", _library(sound))
    (tmp_path / "a.flac").write_bytes(b"fLaC")
    microphone = FileMicrophone(tmp_path / "a.flac", real_time=False)
    microphone.start()
    heard = np.concatenate([block.samples for block in _all(microphone)])
    np.testing.assert_allclose(heard, sound[:, 0], atol=1e-6)
    microphone.close()


def test_a_real_flac_is_read(tmp_path: Path) -> None:
    library = pytest.importorskip("soundfile")
    sound = _tone(0.3, 44_100, 2)
    library.write(str(tmp_path / "a.flac"), sound, 44_100)
    opened = open_sound(tmp_path / "a.flac")
    np.testing.assert_allclose(opened.read(44_100), sound, atol=1e-3)
    opened.close()
