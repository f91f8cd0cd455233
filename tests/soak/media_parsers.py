"""Pictures, sounds and addresses."""

import contextlib
import io
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from tiny_models import photo
from tiny_sounds import save as save_sound
from tiny_sounds import voice

from capture import spec
from capture.audio_file import FileMicrophone
from core.errors import RoomwiseError
from core.pictures import read_picture
from memory.gallery import decode_depth, encode_depth
from models.remote import address
from soak.parser import LARGEST, Parser, bytes_parser


def _picture(kind: str, mode: str = "RGB") -> bytes:
    file = io.BytesIO()
    photo(0, 24, 16).convert(mode).save(file, kind)
    return file.getvalue()


def _read_picture(data: bytes) -> None:
    read_picture(io.BytesIO(data), "It", LARGEST)


def _prepare_sound(folder: Path) -> Sequence[str]:
    save_sound(folder / "said.wav", voice(0.3))
    return ["said.wav"]


def _read_sound(folder: Path) -> None:
    microphone = FileMicrophone(folder / "said.wav", real_time=False)
    try:
        microphone.start()
        for _ in range(2000):
            if microphone.read(0.1) is None:
                break
    finally:
        microphone.close()


def _read_address(data: bytes) -> None:
    text = data.decode(errors="surrogateescape")
    for reader in (spec.parse, lambda text: address.parse(text, False, False, False)):
        with contextlib.suppress(RoomwiseError):
            reader(text)


PARSERS = (
    bytes_parser("depth", lambda: encode_depth(np.full((8, 8), 900, np.uint16)), decode_depth),
    bytes_parser("JPEG picture", partial(_picture, "JPEG"), _read_picture),
    bytes_parser("PNG picture", partial(_picture, "PNG"), _read_picture),
    bytes_parser("WEBP picture", partial(_picture, "WEBP"), _read_picture),
    bytes_parser("TIFF picture", partial(_picture, "TIFF", "I;16"), _read_picture),
    bytes_parser("GIF picture", partial(_picture, "GIF", "P"), _read_picture),
    bytes_parser("BMP picture", partial(_picture, "BMP"), _read_picture),
    Parser("sound", _prepare_sound, _read_sound, 2),
    bytes_parser("address", lambda: b"rtsp://user:secret@camera.local:554/stream?x=1", _read_address),
)  # fmt: skip
