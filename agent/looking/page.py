"""What models look at, side by side as one picture: a band a model, a panel a map."""

from collections.abc import Sequence
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

from agent.looking.heat import heated, sized
from agent.looking.looked import AttentionMap, Looked

_PANEL, _GAP, _CAPTION, _HEAD, _EDGE = 190, 10, 38, 34, 16
_FIRST = 2 * _PANEL + _GAP  # the chosen map is twice as wide
_ACROSS = 5  # panels beside the first one
_PAPER, _INK, _GREY = "#ffffff", "#1c1c1c", "#6b6b6b"


def page(picture: Image.Image, question: str, models: Sequence[Looked]) -> Image.Image:
    """The picture of all models' maps, captions below each: entropy, and the share that is on the picture."""
    small, large = (sized(picture, side) for side in (_PANEL, _FIRST))
    if large.width < _FIRST:  # a small frame is shown larger, so that its maps can be seen
        scale = _FIRST / max(large.size)
        large = large.resize((round(large.width * scale), round(large.height * scale)))
        small = large.resize((
            max(1, large.width * _PANEL // _FIRST),
            max(1, large.height * _PANEL // _FIRST),
        ))
    bands = [_band(small, large, one) for one in models]
    width = max(band.width for band in bands) + 2 * _EDGE
    whole = Image.new("RGB", (width, _HEAD + sum(band.height + _GAP for band in bands) + _EDGE), _PAPER)
    ImageDraw.Draw(whole).text((_EDGE, 10), question, fill=_INK, font=_font(19))
    top = _HEAD
    for band in bands:
        whole.paste(band, (_EDGE, top + _GAP))
        top += band.height + _GAP
    return whole


def png(whole: Image.Image) -> bytes:
    """Its PNG."""
    buffer = BytesIO()
    whole.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _band(small: Image.Image, large: Image.Image, one: Looked) -> Image.Image:
    """One model: its answer, the chosen map, and beside it the others, row by row."""
    down = max(2, -(-len(one.panels) // _ACROSS))
    across = min(_ACROSS, max(1, len(one.panels)))
    step = small.height + _CAPTION
    high = _HEAD + max(large.height + _CAPTION, down * step)
    band = Image.new("RGB", (large.width + _GAP + across * (small.width + _GAP), high), _PAPER)
    draw = ImageDraw.Draw(band)
    said = one.answer.text or "(no words)"
    draw.text((0, 6), one.model, fill=_GREY, font=_font(15))
    draw.text((10 + draw.textlength(one.model, _font(15)), 4), said, fill=_INK, font=_font(18))
    _place(band, draw, large, one.chosen, (0, _HEAD))
    for number, panel in enumerate(one.panels):
        row, column = divmod(number, _ACROSS)
        left = large.width + _GAP + column * (small.width + _GAP)
        _place(band, draw, small, panel, (left, _HEAD + row * step))
    return band


def _place(
    band: Image.Image, draw: ImageDraw.ImageDraw, frame: Image.Image, panel: AttentionMap, at: tuple[int, int]
) -> None:
    band.paste(heated(frame, panel.cells), at)
    left, below = at[0], at[1] + frame.height
    on = "" if panel.mass is None else f", on picture {panel.mass:.2f}"
    draw.text((left, below + 2), panel.title, fill=_INK, font=_font(13))
    draw.text((left, below + 18), f"entropy {panel.entropy:.2f}{on}", fill=_GREY, font=_font(12))


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
