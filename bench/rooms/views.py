"""A room as a visitor sees it: frames from several viewpoints, each with its facts."""

from collections.abc import Iterator
from typing import NamedTuple

from bench.rooms.layout import build_room
from bench.rooms.rendering.facts import FrameFacts, observe
from bench.rooms.rendering.render import RenderedFrame, choose_views, fraction_visible, render_frame
from bench.rooms.rendering.tracer import Tracer
from bench.rooms.world.scene import FurnishedRoom


class Shot(NamedTuple):
    """One frame with what can be seen in it; `visible` maps ids to the part of them that nothing hides."""

    frame: RenderedFrame
    facts: FrameFacts
    visible: dict[int, float]


def visit(split: str, index: int, size: int, views: int) -> tuple[FurnishedRoom, list[Shot]]:
    """Room `index` of a split and up to `views` square frames of it, `size` pixels wide."""
    room = build_room(split, index)
    tracer = Tracer(room)
    return room, list(_shots(tracer, size, views))


def _shots(tracer: Tracer, size: int, views: int) -> Iterator[Shot]:
    for number, view in enumerate(choose_views(tracer, views)):
        frame = render_frame(tracer, view, size, number)
        visible = fraction_visible(tracer, view, frame.ids)
        yield Shot(frame, observe(tracer.room, frame, visible), visible)
