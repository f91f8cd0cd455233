import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from tiny_models import photo

from core.deep_pictures import to_8_bits
from core.errors import ImageError
from core.frames import decode
from core.pictures import FORMATS, read_picture
from models.images import load_image

LIMIT = 1_000_000


def _png_of_size(width: int, height: int) -> bytes:
    """A PNG whose header promises this size and whose pixels are missing."""

    return _png(struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0), zlib.compress(b""))


def _png(header: bytes, pixels: bytes) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def _bytes(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "WEBP"])
def test_loads_what_pillow_reads_as_rgb(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "picture"
    path.write_bytes(_bytes(photo(), kind))
    loaded = load_image(path, LIMIT)
    assert loaded.mode == "RGB"
    assert loaded.size == photo().size


@pytest.mark.parametrize(("width", "height"), [(10_000, 10_000), (20_000, 20_000), (1001, 1000)])
def test_too_many_pixels_are_refused_from_the_header(tmp_path: Path, width: int, height: int) -> None:
    path = tmp_path / "huge.png"
    path.write_bytes(_png_of_size(width, height))  # decoding it would fail in another way
    with pytest.raises(ImageError, match=r"pixels.*smaller"):
        load_image(path, LIMIT)


def test_a_limit_above_pillows_own_is_respected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2000)  # from here on Pillow warns
    photo(width=64, height=40).save(tmp_path / "large.png")
    assert load_image(tmp_path / "large.png", LIMIT).size == (64, 40)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF"])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_a_truncated_file_is_an_image_error(tmp_path: Path, kind: str, share: float) -> None:
    whole = _bytes(photo(width=200, height=150), kind)
    path = tmp_path / "cut"
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ImageError):
        load_image(path, LIMIT)


@pytest.mark.parametrize(
    "content", [b"", b"not an image", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0" + bytes(50)]
)
def test_what_is_no_image_says_so(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=r"Give a JPEG|again"):
        load_image(path, LIMIT)


def test_missing_files_and_folders_are_told(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing.jpg", tmp_path):
        with pytest.raises(ImageError, match="Check the path"):
            load_image(path, LIMIT)


def test_a_camera_held_sideways_is_turned(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to see it upright
    path = tmp_path / "sideways.jpg"
    photo(width=60, height=40).save(path, exif=exif)
    assert load_image(path, LIMIT).size == (40, 60)


def test_a_frame_that_is_asked_about_is_turned_as_the_stored_one_is_when_it_is_learnt(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    data = _bytes(photo(0, 40, 20), "JPEG", exif=exif, quality=95)
    (tmp_path / "frame.jpg").write_bytes(data)
    asked, learnt = decode(data), load_image(tmp_path / "frame.jpg", LIMIT)
    assert asked.size == learnt.size == (20, 40)
    assert asked.tobytes() == learnt.tobytes()


def test_where_only_one_format_is_allowed_others_are_named(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="not a JPEG"):
        decode(_bytes(photo(), "PNG"))
    with pytest.raises(ImageError, match="pixels"):
        decode(_bytes(photo(0, 40, 20), "JPEG"), max_pixels=799)


def test_transparency_becomes_white_and_16_bit_grey_keeps_its_range(tmp_path: Path) -> None:
    Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    assert load_image(tmp_path / "clear.png", LIMIT).getpixel((0, 0)) == (255, 255, 255)
    Image.new("I;16", (4, 4), 32768).save(tmp_path / "grey.png")
    assert load_image(tmp_path / "grey.png", LIMIT).getpixel((0, 0)) == (128, 128, 128)


GREY = np.asarray(photo(width=200, height=150).convert("L"))


@pytest.mark.parametrize(
    ("deep", "meant"),
    [
        ((GREY / 255).astype(np.float32), GREY),
        (GREY.astype(np.float32), GREY),
        (GREY.astype(np.float32) * 257, GREY),
        (GREY.astype(np.uint16), GREY),
        (GREY.astype(np.uint16) * 4, GREY),
        (GREY.astype(np.uint16) * 16, GREY),
        (GREY.astype(np.uint16) * 64, GREY),
        (GREY.astype(np.uint16) * 257, GREY),
        (GREY.astype(np.int32) * 16, GREY),
    ],
)
def test_numbers_that_do_not_fill_their_type_are_as_bright_as_they_are_meant(
    tmp_path: Path, deep: NDArray[Any], meant: NDArray[np.uint8]
) -> None:
    Image.fromarray(deep).save(tmp_path / "deep.tif")
    shown = np.asarray(load_image(tmp_path / "deep.tif", LIMIT))[:, :, 0]
    np.testing.assert_allclose(shown, meant, atol=2)


def test_temperatures_are_stretched_from_the_coldest_to_the_warmest() -> None:
    kelvin = 29_000 + np.linspace(0, 1_500, 10_000).reshape(100, 100).astype(np.uint16)
    shown = to_8_bits(kelvin)
    assert shown is not None and (shown.min(), shown.max()) == (0, 255)
    assert shown.mean() == pytest.approx(127.5, abs=1)


def test_a_hot_pixel_and_what_is_no_number_do_not_count() -> None:
    deep = GREY.astype(np.float32) * 16
    deep[0, :2] = 65_535, 60_000
    deep[1, :2] = np.nan, np.inf
    shown = to_8_bits(deep)
    assert shown is not None and shown[0, 0] == shown[1, 1] == 255 and shown[1, 0] == 0
    np.testing.assert_allclose(shown[2:], GREY[2:], atol=2)


@pytest.mark.parametrize("value", [0.0, np.nan, -np.inf])
def test_numbers_that_show_nothing_are_refused(tmp_path: Path, value: float) -> None:
    Image.fromarray(np.full((4, 4), value, np.float32)).save(tmp_path / "deep.tif")
    with pytest.raises(ImageError, match="black throughout"):
        load_image(tmp_path / "deep.tif", LIMIT)


def _png_of_16_bits(colors: NDArray[np.uint16]) -> bytes:
    """RGB [h, w, 3]; Pillow writes none."""
    height, width = colors.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in colors)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    return _png(header, zlib.compress(rows))


def test_colours_of_16_bits_are_read_or_refused_where_their_range_is_empty(tmp_path: Path) -> None:
    colors = np.repeat(GREY[:, :, None], 3, axis=2).astype(np.uint16)
    (tmp_path / "full.png").write_bytes(_png_of_16_bits(colors * 257))
    assert np.array_equal(np.asarray(load_image(tmp_path / "full.png", LIMIT)), colors)
    (tmp_path / "twelve.png").write_bytes(_png_of_16_bits(colors * 16))
    with pytest.raises(ImageError, match="8 bits a colour"):
        load_image(tmp_path / "twelve.png", LIMIT)


@pytest.mark.parametrize("mode", ["CMYK", "P", "LA", "1", "YCbCr"])
def test_pictures_of_every_mode_are_as_bright_as_they_are(tmp_path: Path, mode: str) -> None:
    photo(width=200, height=150).convert(mode).save(tmp_path / "a.tif")
    shown = np.asarray(load_image(tmp_path / "a.tif", LIMIT).convert("L"))
    assert shown.mean() == pytest.approx(GREY.mean(), abs=8)


def _saved(kind: str, path: Path) -> bool:
    """Whether Pillow could write a small picture of this kind there."""
    Image.init()
    for mode in ("RGB", "P", "L", "1", "F"):
        try:
            Image.new(mode, (8, 8)).save(path, kind)
        except (OSError, ValueError, KeyError, AttributeError, TypeError):
            continue
        return True
    return False


@pytest.mark.filterwarnings("ignore:.*image format is deprecated:DeprecationWarning")
def test_only_the_few_formats_are_opened_whatever_pillow_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.init()
    # Saving a SPIDER file as .jpg makes Pillow write SPIDER to every .jpg after it.
    monkeypatch.setattr(Image, "EXTENSION", Image.EXTENSION.copy())
    opened = set()
    for kind in Image.SAVE:
        if kind in Image.OPEN and _saved(kind, path := tmp_path / f"{kind}.jpg"):
            try:
                read_picture(path, path.name, 1_000)
            except ImageError as error:
                assert "known format" in str(error), kind
            else:
                opened.add(kind)
    assert opened - {"MPO"} == set(FORMATS)  # MPO is a JPEG with more behind it


def test_postscript_named_as_a_photo_starts_no_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ghostscript(*args: object, **more: object) -> None:
        raise AssertionError("Ghostscript was started")

    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", ghostscript)
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n%%EOF\n")
    with pytest.raises(ImageError, match="known format"):
        read_picture(path, path.name, 1_000_000)
