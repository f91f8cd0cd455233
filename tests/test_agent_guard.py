"""What a machine can bear: fewer pairs to a step where memory is short, nothing learnt where it is hot."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_families import save_qwen2_5_vl

from adapters.jobs.request import Recipe
from agent.learning.guard import Machine, Order, fit, strain
from agent.machine.meters import free_memory
from core.sections import AdaptationConfig
from models.footprint import Footprint, footprint
from models.registry import model_folder

_RESERVE = 256 * 2**20


def rows(recipe: Recipe) -> int:
    """Pairs and questions in a step."""
    return recipe.batch + recipe.extra + recipe.replayed + recipe.anchors


@given(
    st.integers(0, 50), st.integers(1, 20), st.integers(0, 30), st.integers(0, 8),
    st.integers(0, 10**10), st.integers(1, 10**9), st.integers(0, 2 * 10**10),
)  # fmt: skip
def test_what_is_begun_fits(
    extra: int, batch: int, anchors: int, replayed: int, fixed: int, row: int, free: int
) -> None:
    recipe = Recipe(extra=extra, batch=batch, anchors=anchors, replayed=replayed)
    found = fit(Order(Footprint(fixed, row), recipe), Machine(free))
    if found.recipe is None:
        assert "Close other programs" in found.reason
        return
    assert 1 <= found.recipe.batch <= batch
    if found.recipe == recipe:
        assert not found.reason
    else:
        assert found.reason and rows(found.recipe) < rows(recipe)
    assert fixed + rows(found.recipe) * row + _RESERVE <= free
    other = replace(found.recipe, batch=batch, extra=extra, anchors=anchors, replayed=replayed)
    assert other == recipe


def test_what_cannot_be_told_is_let_through() -> None:
    recipe = Recipe()
    assert fit(Order(None, recipe), Machine(1)).recipe is recipe
    assert fit(Order(Footprint(10**12, 1), recipe), Machine()).recipe is recipe


@pytest.mark.parametrize(("free", "refused"), [(2 * 10**9, True), (2 * 10**9 + 1 + _RESERVE, False)])
def test_a_job_without_a_recipe_fits_or_does_not(free: int, refused: bool) -> None:
    found = fit(Order(Footprint(2 * 10**9, 1)), Machine(free))
    assert found.refused is refused and ("Close other programs" in found.reason) is refused


def test_the_built_in_student_is_told_as_large_as_it_was_measured() -> None:
    found = footprint(model_folder("builtin-student"))
    assert found is not None
    # A worker's peak at 46 rows, all of its judging included, was 1.13 GB.
    assert 0.8 < found.of(46) / 1.13e9 < 1.25


def test_a_model_that_sees_in_any_detail_is_as_large_as_it_is_let(tmp_path: Path) -> None:
    save_qwen2_5_vl(tmp_path)
    few, many = footprint(tmp_path, 64), footprint(tmp_path, 1024)
    assert few is not None and many is not None and many.row > 16 * few.row


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"text_config": {"d_model": "wide"}}', '{"hidden_size": 8}']
)
def test_files_that_do_not_tell_are_no_obstacle(content: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(content, encoding="utf-8")
    assert footprint(tmp_path) is None
    assert footprint(tmp_path / "nowhere") is None


def test_heat_holds_back_until_it_is_well_below() -> None:
    settings = AdaptationConfig(hottest=90.0, most_watts=20.0)
    assert strain(Machine(), settings, held=False) == ""
    assert strain(Machine(celsius=89.0, watts=19.0), settings, held=False) == ""
    assert "90 °C" in strain(Machine(celsius=90.4), settings, held=False)
    assert "below 85 °C" in strain(Machine(celsius=86.0), settings, held=True)
    assert strain(Machine(celsius=84.0), settings, held=True) == ""
    assert "20.0 W" in strain(Machine(watts=20.0), settings, held=False)
    assert "below 18.0 W" in strain(Machine(watts=19.0), settings, held=True)
    assert strain(Machine(celsius=140.0), AdaptationConfig(hottest=0), held=False) == ""


def test_free_memory_is_the_systems_or_what_is_left_of_the_group(tmp_path: Path) -> None:
    assert free_memory(tmp_path) is None
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal: 900 kB\nMemAvailable: 500 kB\n")
    assert free_memory(tmp_path) == 500 * 1024
    group = tmp_path / "sys/fs/cgroup"
    group.mkdir(parents=True)
    (group / "memory.current").write_text("3000\n")
    (group / "memory.max").write_text("max\n")
    assert free_memory(tmp_path) == 500 * 1024
    (group / "memory.max").write_text("10000\n")
    assert free_memory(tmp_path) == 7000
