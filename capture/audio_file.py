"""Sound files instead of a microphone: WAV by the standard library, FLAC and others by soundfile."""

import io
import threading
import time
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from capture.audio import RATE, Block, Samples, mono
from capture.audio_resample import HIGHEST, LOWEST, Resampler
from core.errors import CaptureError
from core.extras import require

PIECE = 0.02
"""Seconds of sound in a piece."""
_REMEDY = "Turn it into one: ffmpeg -i FILE -ac 1 -ar 16000 out.wav"


class SoundFile(Protocol):
    """An open sound file."""

    rate: int

    def read(self, frames: int) -> NDArray[np.float32]:
        """The next frames, float32 [n, channels] in [-1, 1]; fewer at the end, none after it."""

    def close(self) -> None:
        """Let the file go."""


class FileMicrophone:
    """Plays a file as if it were recorded from `start` on, in real time or at once."""

    def __init__(
        self, path: Path, real_time: bool = True,
        clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        self._path, self._real_time, self._clock, self._sleep = path, real_time, clock, sleep
        self._file: SoundFile | None = None
        self._lock = threading.Lock()
        self._ended = False
        self._began = 0.0
        self._samples_read = 0  # samples at 16 kHz

    @property
    def ended(self) -> bool:
        """Whether it was read to its end or closed."""
        return self._ended

    def start(self) -> None:
        """Open the file. Raises CaptureError when it is no readable sound."""
        self._file = open_sound(self._path)
        self._resampler = Resampler(self._file.rate)
        self._began = self._clock()

    def read(self, timeout: float) -> Block | None:
        """The next piece; None at the end, or when it does not end within `timeout` seconds from now."""
        if self._file is None or self._ended:
            return None
        if self._real_time and not self._wait_for_piece(timeout):
            return None
        with self._lock:
            if self.ended:  # closed by another thread meanwhile
                return None
            frames = self._file.read(max(1, int(self._file.rate * PIECE)))
        self._ended = not len(frames)
        samples = self._resampler.finish() if self._ended else self._resampler.push(mono(frames))
        block = Block(samples, self._began + self._samples_read / RATE)
        self._samples_read += len(samples)
        return block

    def close(self) -> None:
        self._ended = True
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def _wait_for_piece(self, timeout: float) -> bool:
        """Wait until the next piece is over; False when that takes longer than `timeout` seconds."""
        remaining = self._began + self._samples_read / RATE + PIECE - self._clock()
        self._sleep(max(0.0, min(remaining, timeout)))
        return remaining <= timeout


def open_sound(path: Path) -> SoundFile:
    """Open a sound file for reading.

    Raises CaptureError, and MissingDependencyError for what is no plain WAV where soundfile is not installed.
    """
    if not path.is_file():
        raise CaptureError(f"There is no sound file at {path}. Check the path.")
    try:
        return _Wave(path)
    except OSError as error:
        raise CaptureError(f"{path} cannot be read: {error}. Check its permissions.") from error
    except (wave.Error, EOFError):
        return _Libsndfile(path)


class _Wave:
    """PCM WAV of 8, 16, 24 or 32 bits."""

    def __init__(self, path: Path) -> None:
        self._wave = wave.open(str(path), "rb")  # noqa: SIM115  # closed by `close`
        self._width, self._channels = self._wave.getsampwidth(), self._wave.getnchannels()
        self.rate = _check_rate(self._wave.getframerate(), path)

    def read(self, frames: int) -> NDArray[np.float32]:
        data = self._wave.readframes(frames)
        whole = len(data) - len(data) % (self._width * self._channels)
        return pcm(data[:whole], self._width).reshape(-1, self._channels)

    def close(self) -> None:
        self._wave.close()


class _Libsndfile:
    """What libsndfile reads: FLAC, Ogg, and WAV of every kind."""

    def __init__(self, path: Path) -> None:
        library = _soundfile(path)
        try:
            self._file: Any = library.SoundFile(str(path))
        except (library.LibsndfileError, OSError) as error:
            raise CaptureError(f"{path} is not a sound file that can be read ({error}). {_REMEDY}") from error
        self.rate = _check_rate(int(self._file.samplerate), path)

    def read(self, frames: int) -> NDArray[np.float32]:
        sound: NDArray[np.float32] = self._file.read(frames, dtype="float32", always_2d=True)
        return sound

    def close(self) -> None:
        self._file.close()


def as_wav(samples: Samples) -> bytes:
    """Samples float32 [n] in [-1, 1] at 16 kHz as a WAV file of 16 bits."""
    integers = np.clip(np.round(samples * 32768.0), -32768, 32767).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(RATE)
        writer.writeframes(integers.tobytes())
    return file.getvalue()


def pcm(data: bytes, width: int) -> NDArray[np.float32]:
    """Little-endian samples of `width` bytes, 1 to 4, those of one byte unsigned, as float32 in [-1, 1)."""
    if width == 1:
        return (np.frombuffer(data, np.uint8).astype(np.float32) - 128.0) / 128.0
    if width == 3:
        wide = np.zeros((len(data) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
        data, width = wide.tobytes(), 4
    integers = np.frombuffer(data, f"<i{width}")
    return (integers / float(2 ** (8 * width - 1))).astype(np.float32)


def _soundfile(path: Path) -> Any:
    try:
        return require("soundfile", "voice")
    except OSError as error:
        raise CaptureError(f"{path} needs libsndfile, which cannot be loaded ({error}). {_REMEDY}") from error


def _check_rate(rate: int, path: Path) -> int:
    if not LOWEST <= rate <= HIGHEST:
        raise CaptureError(f"{path} has {rate} samples a second. {_REMEDY}")
    return rate
