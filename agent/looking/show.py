"""What models look at, in a terminal: the chosen maps side by side in half cells, then numbers by layer."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, zip_longest
from typing import Any

from PIL import Image
from rich.console import Console
from rich.segment import Segment, Segments
from rich.table import Table

from agent.looking.heat import heated
from agent.looking.looked import AttentionMap, Looked
from core.half_cells import Line, draw_picture

_WIDEST, _HIGHEST, _BETWEEN = 60, 24, 2


def show(picture: Image.Image, models: Sequence[Looked], console: Console) -> None:
    """Print it. Where the output is no terminal only the numbers are."""
    if console.is_terminal:
        wide = min(_WIDEST, (console.width - _BETWEEN * (len(models) - 1)) // max(1, len(models)))
        pictures = [
            draw_picture(heated(picture, one.chosen.cells), wide, _HIGHEST, console.color_system)
            for one in models
        ]
        console.print(Segments(list(_beside(pictures)), new_lines=False))
    console.print(table(models))


def table(models: Sequence[Looked]) -> Table:
    """A line a map: how spread out it is, and how much of the attention is on the picture."""
    found = Table(title="1.00 is everywhere alike")
    for name in ("model", "answer", "map"):
        found.add_column(name)
    for name in ("entropy", "on the picture"):
        found.add_column(name, justify="right")
    for one in models:
        for number, panel in enumerate((one.chosen, *one.panels)):
            who = (one.model, one.answer.text or "(no words)") if not number else ("", "")
            mass = "" if panel.mass is None else f"{panel.mass:.2f}"
            found.add_row(*who, panel.title, f"{panel.entropy:.2f}", mass)
    return found


def as_dict(question: str, models: Sequence[Looked]) -> dict[str, Any]:
    """The same as plain values, maps as rows of cells."""
    return {
        "schema": 1,
        "command": "look",
        "question": question,
        "models": [
            {
                "model": one.model,
                "answer": one.answer.text,
                "confidence": one.answer.confidence,
                "maps": [_told(panel) for panel in (one.chosen, *one.panels)],
            }
            for one in models
        ],
    }


def _told(panel: AttentionMap) -> dict[str, Any]:
    cells = [[round(float(cell), 6) for cell in row] for row in panel.cells]
    return {"map": panel.title, "entropy": panel.entropy, "mass": panel.mass, "cells": cells}


def _beside(pictures: Sequence[list[Line]]) -> Iterator[Segment]:
    """Lines of several pictures joined; a shorter one is followed by nothing."""
    for lines in zip_longest(*pictures, fillvalue=()):
        filled: Iterable[Iterable[Segment]] = ([*line, Segment(" " * _BETWEEN)] for line in lines)
        yield from chain.from_iterable(filled)
        yield Segment("\n")
