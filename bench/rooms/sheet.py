"""A contact sheet: a row a room, its views side by side, a depth picture, and questions underneath."""

import textwrap
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from bench.rooms.questions.ask import sample
from bench.rooms.views import Shot
from bench.rooms.world.scene import SPLITS, FurnishedRoom
from core.files import atomic_write_bytes

_LINES = 6
_LINE = 13
_GAP = 6
_FAR = 6.0  # metres, black in the depth picture
_PAPER, _INK = (250, 250, 247), (40, 40, 40)


def draw_sheet(visits: Sequence[tuple[FurnishedRoom, Sequence[Shot]]], path: Path) -> None:
    """Write the sheet as a PNG. Raises StorageError."""
    size = visits[0][1][0].frame.rgb.shape[0]
    columns = max(len(shots) for _, shots in visits) + 1
    cell = size + _LINES * _LINE + 2 * _GAP
    page = Image.new("RGB", (columns * (size + _GAP) + _GAP, len(visits) * cell), _PAPER)
    for row, (room, shots) in enumerate(visits):
        _draw_room(page, room, shots, row * cell + _GAP, size)
    buffer = BytesIO()
    page.save(buffer, "PNG")
    atomic_write_bytes(path, buffer.getvalue())


def depth_picture(depth: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Metres [S, S] to RGB uint8 [S, S, 3]: near is light, far is dark, nothing is black."""
    nearness = np.where(depth > 0, 1 - np.clip(depth / _FAR, 0, 1), 0)
    tint = np.array([255, 225, 160]) * nearness[..., None]
    return np.asarray(tint, np.uint8)


def _draw_room(page: Image.Image, room: FurnishedRoom, shots: Sequence[Shot], top: int, size: int) -> None:
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(11)
    rng = np.random.default_rng([SPLITS[room.split], room.index, 5])
    for column, shot in enumerate(shots):
        left = _GAP + column * (size + _GAP)
        page.paste(Image.fromarray(shot.frame.rgb), (left, top))
        lines = []
        for question in sample(shot.facts, rng, 3, room.split):
            lines += textwrap.wrap(f"{question.text} - {question.answer}", max(12, size // 6))
        draw.multiline_text((left, top + size + 2), "\n".join(lines[:_LINES]), _INK, font, spacing=2)
    left = _GAP + len(shots) * (size + _GAP)
    page.paste(Image.fromarray(depth_picture(shots[-1].frame.depth)), (left, top))
    name = f"{room.split} {room.index}: {room.kind}\ndepth of the last view"
    draw.multiline_text((left, top + size + 2), name, _INK, font, spacing=2)
