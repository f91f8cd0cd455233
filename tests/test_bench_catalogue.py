"""Every builder of the catalogue gives a sound thing."""

from __future__ import annotations

import numpy as np
import pytest

from bench.rooms.catalogue.index import (
    BUILDERS,
    FLOOR_ITEMS,
    FURNITURE,
    SHELL,
    SMALL,
    STUDENT_UNSEEN,
    UNSEEN_COLOURS,
    WALL,
)
from bench.rooms.world.model import Stock, Thing, bounds
from bench.rooms.world.palette import COLOURS

SEEDS = range(8)


def build(category: str, seed: int, banned: frozenset[str] = frozenset()) -> Thing:
    return BUILDERS[category](Stock(np.random.default_rng(seed), 0, banned))


def test_categories_are_many_and_sorted_into_groups() -> None:
    assert len(set(BUILDERS) | SHELL) >= 52
    groups = (FURNITURE, FLOOR_ITEMS, SMALL, WALL)
    assert sum(map(len, groups)) == len(BUILDERS)
    assert frozenset().union(*groups) == set(BUILDERS)
    assert set(BUILDERS) > STUDENT_UNSEEN
    assert set(COLOURS) > UNSEEN_COLOURS


@pytest.mark.parametrize("category", sorted(BUILDERS))
def test_thing_is_sound(category: str) -> None:
    for seed in SEEDS:
        thing = build(category, seed)
        assert thing.category == category
        assert sum(len(mesh.positions) for mesh, _ in thing.parts) < 1500
        for mesh, material in thing.parts:
            assert all(np.isfinite(a).all() for a in mesh)
            assert np.allclose(np.linalg.norm(mesh.normals, axis=-1), 1, atol=2e-3)
            assert all(0 <= c <= 1 for c in material.rgb)
        assert thing.colour is None or thing.colour in COLOURS


@pytest.mark.parametrize("category", sorted(BUILDERS))
def test_bounds_fit_the_size_and_stand_in_place(category: str) -> None:
    for seed in SEEDS:
        thing = build(category, seed)
        (x0, y0, z0), (x1, y1, z1) = bounds(thing).tolist()
        w, d, h = thing.size
        assert x1 - x0 <= w + 1e-3
        assert max(-x0, x1) <= w / 2 + 1e-3
        if category in WALL:
            assert y1 <= 1e-3
            assert -y0 <= d + 1e-3
            assert max(-z0, z1) <= h / 2 + 1e-3
        else:
            assert max(-y0, y1) <= d / 2 + 1e-3
            assert -1e-3 <= z0 <= 0.02
            assert z1 <= h + 1e-3


@pytest.mark.parametrize("category", sorted(BUILDERS))
def test_surfaces_lie_on_the_thing(category: str) -> None:
    for seed in SEEDS:
        thing = build(category, seed)
        w, d, h = thing.size
        for s in thing.surfaces:
            assert s.width > 0.1 and s.depth > 0.1
            assert abs(s.x) + s.width / 2 <= w / 2 + 1e-3
            assert s.z <= h + 1e-3
            assert s.clearance > 0.12
            assert s.depth <= d


@pytest.mark.parametrize("category", sorted(BUILDERS))
def test_seed_decides_the_thing(category: str) -> None:
    a, b = build(category, 5), build(category, 5)
    assert (a.colour, a.size, a.pattern) == (b.colour, b.size, b.pattern)
    for (mesh_a, paint_a), (mesh_b, paint_b) in zip(a.parts, b.parts, strict=True):
        assert np.array_equal(mesh_a.positions, mesh_b.positions)
        assert paint_a == paint_b


@pytest.mark.parametrize(
    "banned", [UNSEEN_COLOURS, frozenset({"brown", "green", "gray"}), frozenset({"beige", "white"})]
)
def test_banned_colours_are_never_named(banned: frozenset[str]) -> None:
    for category in BUILDERS:
        for seed in SEEDS:
            assert build(category, seed, banned).colour not in banned


def test_category_does_not_give_the_colour_away() -> None:
    fixed = {"plant", "picture", "clock", "mirror", "laptop", "tv", "monitor"}
    for category in set(BUILDERS) - fixed:
        colours = [build(category, seed).colour for seed in range(60)]
        most = max(colours.count(c) for c in set(colours))
        assert most <= 30, (category, most)
