"""Study 1 as a picture: how far each layer is from each, and how much nearer where the student is right."""

from collections.abc import Iterator
from math import isfinite

from bench.studies.vlm.cells import CKA, JS, MAPS, PICTURE, SEEN, WORDS, Cell
from bench.studies.vlm.found import Found
from bench.studies.vlm.rows import LITERAL
from core.svg import GREY, INK, box, dot, line, page, text

_PARTS = ((SEEN, CKA), (PICTURE, CKA), (WORDS, CKA), (MAPS, JS))
_BOX, _EDGE, _TOP, _GAP, _LINE = 44, 24, 74, 46, 22
_LEFT, _WIDE = 290, 420
_BLUE, _ORANGE = "#1583a8", "#d18b1f"


def svg(found: Found, student: str, expert: str) -> str:
    """Above, layers against layers, the nearer the darker; below, effects with intervals over rooms."""
    maps = [(part, distance, found.layers(part)) for part, distance in _PARTS]
    there = [one for one in maps if min(one[2]) > 0]
    high = max((layers[0] for _, _, layers in there), default=0) * _BOX
    effects = [
        *found.as_published(LITERAL),
        *found.as_published(CKA),
        *found.around_middle(PICTURE, CKA).values(),
    ]
    lines = list(_effects(found, effects, _TOP + high + 86))
    width = max(_LEFT + _WIDE + 60, 2 * _EDGE + sum(_wide(layers[1]) + _GAP for _, _, layers in there))
    height = _TOP + high + 86 + _LINE * len(effects) + 44
    return page(width, height, f"Layers of {student} against those of {expert}", (
        text(_EDGE, 24, f"How far the layers of {student} (down) are from {expert}'s (across)", INK, 15),
        text(_EDGE, 42, "0 is alike: 1 - CKA, of maps Jensen-Shannon; means over all questions", GREY),
        *_matrices(found, there),
        *lines,
    ))  # fmt: skip


def _wide(layers: int) -> int:
    return max(layers * _BOX, 150)


def _matrices(found: Found, parts: list[tuple[str, str, tuple[int, int]]]) -> Iterator[str]:
    left = _EDGE
    for part, distance, (ours, theirs) in parts:
        yield text(left, _TOP - 8, "maps of the question" if part == MAPS else part, INK)
        for student in range(ours):
            for expert in range(theirs):
                cell = Cell(part, student, expert, distance)
                if cell not in found.cells:  # too few words in every question
                    continue
                value = found.mean(cell).mean
                x, y = left + expert * _BOX, _TOP + student * _BOX
                near = max(0.0, min(1.0, 1 - value))
                colour = ",".join(str(round(255 - near * (255 - end))) for end in (21, 101, 140))
                yield box(x, y, _BOX - 2, _BOX - 2, f"rgb({colour})")
                ink = "white" if near > 0.55 else INK
                yield text(x + _BOX / 2 - 1, y + _BOX / 2 + 4, f"{value:.2f}", ink, 12, "middle")
        left += _wide(theirs) + _GAP


def _effects(found: Found, cells: list[Cell], top: int) -> Iterator[str]:
    """Difference right - wrong in standard deviations of the distance, with its interval."""
    effects = {cell: found.effect(cell, "right") for cell in cells}
    known = {cell: one for cell, one in effects.items() if one is not None}
    spans = {}
    for cell, one in known.items():
        scale = one.d / one.difference.mean if one.difference.mean else 0.0
        spans[cell] = [one.d, one.difference.low * scale, one.difference.high * scale]
    far = max((abs(value) for span in spans.values() for value in span if isfinite(value)), default=1.0)
    far = max(0.2, far * 1.1)
    yield text(
        _EDGE, top - 26, "Distance on right answers less that on wrong ones, in standard deviations", INK, 15
    )
    yield text(_EDGE, top - 9, "left of the line: nearer where the student is right, as was expected", GREY)
    middle, bottom = _LEFT + _WIDE / 2, top + _LINE * len(spans)
    yield line((middle, top), (middle, bottom), GREY, dash="4 4")
    for number, (cell, (d, low, high)) in enumerate(spans.items()):
        y = top + _LINE * number + _LINE / 2
        colour = _BLUE if cell.distance == CKA else _ORANGE
        name = f"{cell.part}, layer {cell.expert + 1}, {cell.distance}"
        yield text(_LEFT - 10, y + 4, name, INK, 11, "end")
        ends = [middle + value / far * _WIDE / 2 for value in (low, high, d)]
        if isfinite(low):
            yield line((ends[0], y), (ends[1], y), colour, 2)
        yield dot(ends[2], y, 4.5, colour)
    for share in (-1, -0.5, 0, 0.5, 1):
        x = middle + share * _WIDE / 2 / 1.1
        yield text(x, bottom + 18, f"{share * far / 1.1:+.2f}", GREY, 11, "middle")
