"""The renderer against geometry that is known, and against itself in another process."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from bench.rooms.layout import build_room
from bench.rooms.placing import corners, overlap
from bench.rooms.rendering.render import (
    RenderedFrame,
    choose_views,
    fraction_visible,
    look_at,
    render_frame,
    trace_ids,
)
from bench.rooms.rendering.tracer import CameraPose, Tracer
from bench.rooms.world.meshes import box, rotate_z, rounded_box, sphere
from bench.rooms.world.model import Stock, Thing
from bench.rooms.world.palette import COLOURS, colour_distances, still_looks, to_linear, to_srgb
from bench.rooms.world.scene import FurnishedRoom, SphereLight

SIZE = 48


def _cube_room() -> tuple[FurnishedRoom, int, int]:
    """A wall at y = 4 and a red cube before it, its front face at y = 2."""
    stock = Stock(np.random.default_rng(0), 0)
    room = FurnishedRoom("train", 0, "test", (4.0, 4.0, 2.5), stock)
    wall = Thing("wall", (8, 0.2, 8), [(box(8, 0.2, 8), stock.paint((0.9, 0.9, 0.9)))])
    cube = Thing("box", (1, 1, 1), [(box(1, 1, 1), stock.paint(COLOURS["red"]))], "red")
    a = room.add(wall, (0, 4.1, 0), askable=False)
    b = room.add(cube, (0, 2.5, 0))
    room.lights.append(SphereLight(np.array([0, 0, 2], np.float32), 0.1, np.full(3, 8, np.float32)))
    return room, a, b


def _ahead() -> CameraPose:
    eye = np.zeros(3, np.float32)
    return CameraPose(eye, look_at(eye, np.array([0, 1, 0], np.float32)), 60.0)


def test_depth_and_ids_are_those_of_the_geometry() -> None:
    room, wall, cube = _cube_room()
    depth, ids = trace_ids(Tracer(room), _ahead(), SIZE)
    assert ids[SIZE // 2, SIZE // 2] == cube
    assert ids[2, 2] == wall
    assert depth[SIZE // 2, SIZE // 2] == pytest.approx(2.0, abs=1e-4)
    np.testing.assert_allclose(depth[ids == wall], 4.0, atol=1e-4)
    half_width = 0.5 / 2.0 / np.tan(np.radians(30)) * SIZE / 2  # the front face, projected
    assert (ids[SIZE // 2] == cube).sum() == pytest.approx(2 * half_width, abs=2)


def test_what_hides_a_thing_lowers_its_visible_fraction() -> None:
    room, _, cube = _cube_room()
    tracer = Tracer(room)
    _, ids = trace_ids(tracer, _ahead(), SIZE)
    assert fraction_visible(tracer, _ahead(), ids)[cube] == 1.0
    screen = Thing("box", (2, 0.1, 2), [(box(2, 0.1, 2), room.stock.paint((0.5, 0.5, 0.5)))], "gray")
    room.add(screen, (1.0, 1.0, 0))  # its edge at x = 0 covers the right half
    tracer = Tracer(room)
    _, ids = trace_ids(tracer, _ahead(), SIZE)
    assert fraction_visible(tracer, _ahead(), ids)[cube] == pytest.approx(0.5, abs=0.1)


def test_a_lit_red_cube_looks_red() -> None:
    room, _, cube = _cube_room()
    frame = render_frame(Tracer(room), _ahead(), SIZE, 0)
    seen = frame.rgb[frame.ids == cube].mean(0) / 255
    assert still_looks("red", seen.astype(np.float32))


def _frames(index: int) -> list[RenderedFrame]:
    tracer = Tracer(build_room("validation", index))
    return [render_frame(tracer, view, 32, k) for k, view in enumerate(choose_views(tracer, 2))]


def test_another_process_renders_the_same_room() -> None:
    code = (
        "import numpy as np, zlib; from tests.test_bench_render import _frames;"
        "print([zlib.crc32(f.rgb.tobytes() + f.ids.tobytes()) for f in _frames(3)])"
    )
    out = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert out[0] == out[1]
    assert "[" in out[0]


def test_nothing_banned_is_in_a_room() -> None:
    for index in range(12):
        room = build_room("train", index, frozenset({"guitar", "ball"}), frozenset({"purple", "red"}))
        assert not {o.category for o in room.objects} & {"guitar", "ball"}
        assert not {o.colour for o in room.objects} & {"purple", "red"}


def test_rooms_of_all_splits_differ_and_stand_inside_their_walls() -> None:
    rooms = [build_room(split, i) for split in ("train", "validation", "test") for i in range(6)]
    assert len({room.signature() for room in rooms}) == len(rooms)
    for room in rooms:
        for thing in (o for o in room.objects if o.parent == 1):
            assert 0 < thing.centre[0] < room.size[0]
            assert 0 < thing.centre[1] < room.size[1]


@pytest.mark.parametrize("name", COLOURS)
def test_every_colour_is_called_by_its_name(name: str) -> None:
    rgb = np.array(COLOURS[name], np.float32)
    distances = colour_distances(rgb)
    assert min(distances, key=distances.__getitem__) == name
    np.testing.assert_allclose(to_srgb(to_linear(rgb)), rgb, atol=1e-3)


def test_meshes_are_closed_and_face_outwards() -> None:
    for mesh in (box(1, 2, 3), rounded_box(1, 1, 1, 0.2), sphere(0.5)):
        outward = (mesh.positions * mesh.normals).sum(-1)
        assert (outward > 0).mean() > 0.99
        np.testing.assert_allclose(np.linalg.norm(mesh.normals, axis=-1), 1, atol=1e-5)


def test_turned_rectangles_overlap_only_when_they_touch() -> None:
    assert overlap(corners(0, 0, 2, 1, 0), corners(1.4, 0, 1, 1, 0.5))
    assert not overlap(corners(0, 0, 2, 1, 0), corners(1.9, 0, 1, 1, 0.0))
    assert np.allclose(rotate_z(0.3) @ rotate_z(-0.3), np.eye(3), atol=1e-6)
