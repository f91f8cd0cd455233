"""Pictures in cells: in shape, in colour, and in terminals that have none."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from tiny_console import jpeg

from core.errors import ImageError
from tui.picture import SHADES, drawn, fit_cells, half_cells, read_jpeg


@given(st.integers(1, 4000), st.integers(1, 4000), st.integers(0, 300), st.integers(0, 100))
def test_a_picture_fits_and_fills_one_side(width: int, height: int, columns: int, rows: int) -> None:
    wide, high = fit_cells(width, height, columns, rows)
    assert 1 <= wide <= max(1, columns) and 1 <= high <= max(1, rows)
    assert wide == max(1, columns) or high == max(1, rows)


def test_a_cell_holds_two_pixels() -> None:
    picture = Image.new("RGB", (3, 2), (0, 0, 255))
    picture.paste((255, 0, 0), (0, 0, 2, 1))
    (strip,) = half_cells(picture, 3, 1)
    told = [(segment.text, segment.style.color, segment.style.bgcolor) for segment in strip if segment.style]
    assert [(text, upper and upper.triplet, lower and lower.triplet) for text, upper, lower in told] == [
        ("▀▀", (255, 0, 0), (0, 0, 255)),
        ("▀", (0, 0, 255), (0, 0, 255)),
    ]


@given(st.integers(1, 40), st.integers(1, 20), st.sampled_from(["truecolor", "256", "standard", None]))
def test_every_row_is_as_wide_as_the_others(columns: int, rows: int, colours: str | None) -> None:
    strips = drawn(read_jpeg(jpeg()), columns, rows, colours)
    widths = {strip.cell_length for strip in strips}
    assert len(widths) == 1 and widths.pop() <= columns and len(strips) <= rows
    assert all(strip.cell_length == len(strip.text) for strip in strips)


def test_without_colours_brightness_is_told_by_characters() -> None:
    picture = Image.linear_gradient("L").rotate(90).convert("RGB")
    (strip, *_) = drawn(picture, 20, 10, None)
    assert set(strip.text) <= set(SHADES)
    brightness = [SHADES.index(letter) for letter in strip.text]
    assert brightness in (sorted(brightness), sorted(brightness, reverse=True)) and len(set(brightness)) > 5


@pytest.mark.parametrize("data", [b"", b"not a jpeg", jpeg()[:200]])
def test_what_is_no_picture_is_an_error(data: bytes) -> None:
    with pytest.raises(ImageError):
        read_jpeg(data)


def test_other_formats_are_not_opened() -> None:
    file = io.BytesIO()
    Image.new("RGB", (4, 4)).save(file, "PNG")
    with pytest.raises(ImageError, match="JPEG"):
        read_jpeg(file.getvalue())
