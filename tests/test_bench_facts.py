"""What a frame shows, read from made-up pixels."""

import numpy as np
import pytest
from room_facts import seen

from bench.rooms.rendering.facts import CLEAR_SHARE, CUT_SHARE, observe
from bench.rooms.rendering.render import RenderedFrame
from bench.rooms.rendering.tracer import CameraPose
from bench.rooms.world.model import Stock
from bench.rooms.world.palette import COLOURS
from bench.rooms.world.scene import FurnishedRoom, PlacedObject

SIZE = 40


def _room() -> FurnishedRoom:
    floor = PlacedObject(1, "floor", (0, 0, 0), (4, 4, 0.1), askable=False)
    table = PlacedObject(2, "table", (0, 0, 0.4), (1, 1, 0.8), "brown", "wood", None, 1, "on")
    mug = PlacedObject(3, "mug", (0, 0, 0.9), (0.1, 0.1, 0.1), "red", "ceramic", None, 2, "on")
    room = FurnishedRoom("train", 0, "office", (4, 4, 2.5), Stock(np.random.default_rng(0), 0), floor="wood")
    room.objects = [floor, table, mug]
    return room


def _frame() -> RenderedFrame:
    ids = np.full((SIZE, SIZE), 1, np.uint16)
    ids[:10] = 0
    ids[20:30, 0:20] = 2
    ids[12:20, 4:12] = 3
    paint = {0: (0.9, 0.9, 0.9), 1: (0.5, 0.5, 0.5), 2: COLOURS["brown"], 3: COLOURS["blue"]}
    rgb = np.zeros((SIZE, SIZE, 3))
    for number, colour in paint.items():
        rgb[ids == number] = colour
    depth = np.where(ids == 2, 2.0, np.where(ids == 3, 1.8, 3.0)).astype(np.float32)
    view = CameraPose(np.zeros(3, np.float32), np.eye(3, dtype=np.float32), 60.0)
    return RenderedFrame((rgb * 255).astype(np.uint8), depth, ids, view)


def test_observing_measures_what_shows() -> None:
    facts = observe(_room(), _frame(), {2: 0.8, 3: 1.0})
    table, mug = facts.seen
    assert (facts.kind, facts.floor) == ("office", "wood")
    assert facts.floor_share == pytest.approx((30 * SIZE - 264) / SIZE**2, abs=1e-3)
    assert (table.category, table.support, mug.support, mug.parent) == ("table", "floor", "table", 2)
    assert table.share == pytest.approx(200 / SIZE**2) and table.visible == 0.8
    assert (mug.cx, mug.cy, mug.depth) == (0.2, 0.4, 1.8)
    assert table.touches_border and not mug.touches_border


def test_a_colour_that_does_not_show_is_known() -> None:
    table, mug = observe(_room(), _frame(), {}).seen
    assert table.looks_coloured and not mug.looks_coloured


def test_clear_needs_size_and_sight() -> None:
    assert seen(2, "mug", share=CLEAR_SHARE).clear
    assert not seen(2, "mug", share=CLEAR_SHARE * 0.9).clear
    assert not seen(2, "mug", visible=0.4).clear
    assert not seen(2, "mug", share=CLEAR_SHARE, touches_border=True).clear
    assert seen(2, "mug", share=CUT_SHARE, touches_border=True).clear
