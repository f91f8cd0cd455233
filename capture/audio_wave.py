"""WAV files of whole numbers, also those whose header is wrong about them.

A recorder that was killed leaves a length of 0, one that writes to a pipe the greatest there is.
"""

import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

_WHOLE, _EXTENSIBLE = 1, 0xFFFE
_MOST_CHANNELS = 64


@dataclass(frozen=True)
class WaveLayout:
    """What lies where: `width` bytes a sample, data of `length` bytes from `start` on."""

    rate: int
    channels: int
    width: int
    start: int
    length: int


class WaveFile:
    """A WAV file open for reading. Raises ValueError when it is none of whole numbers of 8 to 32 bits."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")  # closed by `close`
        layout = layout_of(self._file)
        if layout is None:
            self._file.close()
            raise ValueError(path)
        self.rate, self._channels, self._width = layout.rate, layout.channels, layout.width
        self._left = layout.length
        self._file.seek(layout.start)

    def read(self, frames: int) -> NDArray[np.float32]:
        """The next frames, float32 [n, channels] in [-1, 1); fewer at the end."""
        whole = self._width * self._channels
        data = self._file.read(min(self._left, frames * whole))
        self._left -= len(data)
        return pcm(data[: len(data) - len(data) % whole], self._width).reshape(-1, self._channels)

    def close(self) -> None:
        self._file.close()

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            self.close()


def layout_of(file: BinaryIO) -> WaveLayout | None:
    """Where a WAV file's samples lie, whatever lengths it states; None when it has none of whole numbers."""
    riff, _, wave = struct.unpack("<4sI4s", file.read(12).ljust(12, b"\0"))
    layout = None
    while riff == b"RIFF" and wave == b"WAVE" and len(head := file.read(8)) == 8:
        name, length = struct.unpack("<4sI", head)
        start = file.tell()
        if name == b"data" and layout is not None:
            length = _true_length(file, start, length)
            return WaveLayout(*layout, start, length) if length >= layout[1] * layout[2] else None
        if name == b"fmt ":
            layout = _format(file.read(min(length, 40)))
        file.seek(start + length + length % 2)
    return None


def _format(data: bytes) -> tuple[int, int, int] | None:
    """The rate, channels and bytes a sample."""
    if len(data) < 16:
        return None
    code, channels, rate, _, frame, bits = struct.unpack("<HHIIHH", data[:16])
    if code == _EXTENSIBLE and len(data) >= 26:
        (code,) = struct.unpack("<H", data[24:26])
    needed = (bits + 7) // 8
    # 24 bits may lie in 32.
    width = (
        frame // channels if channels and frame % channels == 0 and frame // channels >= needed else needed
    )
    fits = code == _WHOLE and 1 <= channels <= _MOST_CHANNELS and 1 <= needed <= width <= 4
    return (rate, channels, width) if fits else None


def _true_length(file: BinaryIO, start: int, stated: int) -> int:
    """The stated length if the file ends there or goes on with another part, else all that is left."""
    rest = file.seek(0, os.SEEK_END) - start
    file.seek(start + stated + stated % 2)
    name = file.read(4)
    follows = len(name) < 4 or (name.isascii() and name.strip().isalnum())
    return min(stated, rest) if follows and stated else rest


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
