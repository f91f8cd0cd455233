"""Models' attention in a terminal: the chosen maps side by side in half cells, then figures by layer."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, zip_longest
from typing import Any

from PIL import Image
from rich.console import Console
from rich.segment import Segment, Segments
from rich.table import Table
from rich.text import Text

from agent.looking.heat import draw_heat
from agent.looking.looked import AttentionMap, ModelAttention
from core.half_cells import Line, draw_picture
from core.text import strip_controls

_WIDEST, _HIGHEST, _BETWEEN = 60, 24, 2


def show(picture: Image.Image, models: Sequence[ModelAttention], console: Console) -> None:
    """Print the maps, if the output is a terminal, and the figures."""
    if console.is_terminal:
        wide = min(_WIDEST, (console.width - _BETWEEN * (len(models) - 1)) // max(1, len(models)))
        pictures = [
            draw_picture(draw_heat(picture, model.chosen.cells), wide, _HIGHEST, console.color_system)
            for model in models
        ]
        console.print(Segments(list(_beside(pictures)), new_lines=False))
    console.print(table(models))


def table(models: Sequence[ModelAttention]) -> Table:
    """A row a map: its entropy, and the share of attention on the picture."""
    rows = Table(title="1.00 is everywhere alike")
    for name in ("model", "answer", "map"):
        rows.add_column(name)
    for name in ("entropy", "on the picture"):
        rows.add_column(name, justify="right")
    for model in models:
        for number, panel in enumerate((model.chosen, *model.panels)):
            who = (model.model, model.answer.text or "(no words)") if not number else ("", "")
            mass = "" if panel.mass is None else f"{panel.mass:.2f}"
            rows.add_row(
                *(Text(strip_controls(words)) for words in (*who, panel.title)), f"{panel.entropy:.2f}", mass
            )
    return rows


def as_dict(question: str, models: Sequence[ModelAttention]) -> dict[str, Any]:
    return {
        "schema": 1,
        "command": "look",
        "question": question,
        "models": [
            {
                "model": model.model,
                "answer": model.answer.text,
                "confidence": model.answer.confidence,
                "maps": [_map_dict(panel) for panel in (model.chosen, *model.panels)],
            }
            for model in models
        ],
    }


def _map_dict(panel: AttentionMap) -> dict[str, Any]:
    cells = [[round(float(cell), 6) for cell in row] for row in panel.cells]
    return {"map": panel.title, "entropy": panel.entropy, "mass": panel.mass, "cells": cells}


def _beside(pictures: Sequence[list[Line]]) -> Iterator[Segment]:
    """Lines of several pictures joined; shorter pictures are padded with nothing."""
    for lines in zip_longest(*pictures, fillvalue=()):
        filled: Iterable[Iterable[Segment]] = ([*line, Segment(" " * _BETWEEN)] for line in lines)
        yield from chain.from_iterable(filled)
        yield Segment("\n")
