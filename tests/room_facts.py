"""Made-up facts for tests of questions: rooms with tables, chairs, and things on them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench.rooms.questions.several import CATEGORIES
from bench.rooms.rendering.facts import FrameFacts, VisibleThing
from bench.rooms.world.palette import COLOURS

SUPPORTS = {"table", "desk", "bookshelf", "nightstand", "cabinet", "coffee table"}
PATTERNS = ("plain", "striped", "checked", "dotted")


def seen(number: int, category: str, **values: object) -> VisibleThing:
    """A clear thing in the middle of the frame; name what differs."""
    usual: dict[str, object] = {
        "colour": "red", "made_of": None, "pattern": None, "parent": 1, "support": "floor", "relation": "on",
        "is_on": None, "share": 0.03, "visible": 0.9, "cx": 0.5, "cy": 0.5, "depth": 2.0,
        "looks_coloured": True, "touches_border": False,
    }  # fmt: skip
    return VisibleThing(number, category, **{**usual, **values})  # type: ignore[arg-type]  # as the caller says


def made_up(seed: int, things: int = 14) -> FrameFacts:
    """A frame of random things, some hidden, some of the same category, some on others."""
    rng = np.random.default_rng(seed)
    names = [str(n) for n in rng.choice(CATEGORIES, max(1, things * 2 // 3))]
    placed: list[VisibleThing] = []
    for number in range(2, things + 2):
        category = names[int(rng.integers(len(names)))]
        tables = [t for t in placed if t.category in SUPPORTS]
        on = tables[int(rng.integers(len(tables)))] if tables and rng.random() < 0.5 else None
        lamp = category.endswith("lamp")
        placed.append(
            seen(
                number,
                category,
                colour=None if category in ("picture", "mirror") else str(rng.choice(list(COLOURS))),
                made_of=str(rng.choice(["wood", "metal"])) if rng.random() < 0.5 else None,
                pattern=str(rng.choice(PATTERNS)) if rng.random() < 0.4 else None,
                parent=on.id if on else 1,
                support=on.category if on else "floor",
                relation="in" if on and on.category == "bookshelf" else "on",
                is_on=bool(rng.random() < 0.5) if lamp else None,
                share=round(float(rng.uniform(0.0002, 0.08)), 6),
                visible=round(float(rng.uniform(0.2, 1.0)), 4),
                cx=round(float(rng.random()), 4),
                cy=round(float(rng.random()), 4),
                depth=round(float(rng.uniform(0.8, 6.0)), 3),
                looks_coloured=bool(rng.random() < 0.85),
                touches_border=bool(rng.random() < 0.2),
            )
        )
    return FrameFacts("office", "checked tile", 0.2, tuple(placed))


def made_up_visit(seed: int, views: int = 4) -> list[FrameFacts]:
    """The same made-up room from several places; not everything is in sight from everywhere."""
    rng = np.random.default_rng([seed, 1])
    facts = made_up(seed, 24)
    frames = []
    for _ in range(views):
        here = [
            replace(
                thing,
                share=round(float(rng.uniform(0.005, 0.08)), 6),
                visible=round(float(rng.uniform(0.4, 1.0)), 4),
                cx=round(float(rng.random()), 4),
                depth=round(float(rng.uniform(0.8, 6.0)), 3),
                looks_coloured=True,
            )
            for thing in facts.seen
            if rng.random() < 0.7
        ]
        frames.append(replace(facts, seen=tuple(here)))
    return frames
