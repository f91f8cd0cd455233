"""Frames from bytes and files: one value with the picture that everybody sees."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_memory import jpeg

from capture.picture import captured_frame
from core.errors import ImageError
from core.frames import decode, frame_of, read_frame


@pytest.mark.parametrize("data", [b"no picture", b"", jpeg(1, (600, 600))[:-300]])
def test_bytes_that_are_no_picture_become_no_frame(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(ImageError):
        frame_of(data)
    (tmp_path / "one.jpg").write_bytes(data)
    with pytest.raises(ImageError, match=r"one\.jpg"):
        read_frame(tmp_path / "one.jpg")


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="No image file"):
        read_frame(tmp_path / "nowhere.jpg")


def test_a_jpeg_stays_as_it_is_and_another_picture_becomes_one(tmp_path: Path) -> None:
    (tmp_path / "one.jpg").write_bytes(jpeg(1))
    assert read_frame(tmp_path / "one.jpg").jpeg == jpeg(1)
    Image.open(tmp_path / "one.jpg").save(tmp_path / "one.png")
    made = read_frame(tmp_path / "one.png")
    assert made.jpeg.startswith(b"\xff\xd8\xff")
    assert np.array_equal(np.asarray(made.picture), np.asarray(decode(made.jpeg)))


def test_what_is_too_large_is_refused(tmp_path: Path) -> None:
    (tmp_path / "one.jpg").write_bytes(jpeg(1, (40, 30)))
    with pytest.raises(ImageError, match="allowed"):
        read_frame(tmp_path / "one.jpg", 1000)


def test_a_cameras_frame_shows_what_its_jpeg_shows() -> None:
    made = captured_frame(np.random.default_rng(0).integers(0, 255, (24, 32, 3), dtype=np.uint8))
    assert np.array_equal(np.asarray(made.picture), np.asarray(decode(made.jpeg)))
