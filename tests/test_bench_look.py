"""The share of a map on a thing: by area where all is alike, one where it is all there; and the command."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_shots import TURNS, tiny_session
from tiny_studies import save_pair

import roomwise
from bench.looking import room
from bench.looking.cli import CHANCE, Masses, rows, sentences
from bench.looking.room import (
    EXPERT,
    METHODS,
    UNTOUCHED,
    LookingPlan,
    Mass,
    coverage,
    measure_room,
    on_thing,
)
from bench.rooms.sessions import WARM_UP
from bench.studies.distill.few_shot import FewShotCourse
from core.lazy import run


@given(st.integers(0, 999), st.sampled_from([(3, 3), (6, 6), (4, 8)]))
def test_a_uniform_map_has_the_share_of_the_area(seed: int, grid: tuple[int, int]) -> None:
    ids = np.random.default_rng(seed).integers(0, 4, (48, 48)).astype(np.uint16)
    covered = coverage(ids, (1, 3), *grid)
    assert covered.shape == grid
    assert on_thing(torch.ones(grid), covered) == pytest.approx(np.isin(ids, (1, 3)).mean(), abs=1e-5)


def test_a_map_on_the_thing_has_a_share_of_one() -> None:
    ids = np.zeros((40, 40), np.uint16)
    ids[:20, :20] = 7
    cells = torch.zeros(2, 2)
    cells[0, 0] = 0.3
    assert on_thing(cells, coverage(ids, (7,), 2, 2)) == pytest.approx(1)
    assert on_thing(cells, coverage(ids, (8,), 2, 2)) == 0


def test_what_is_said_follows_from_the_intervals() -> None:
    found = [
        Mass(number // 4, method, "answer, all layers", share, 0.1, number % 2 == 0)
        for method, share in {EXPERT: 0.4, UNTOUCHED: 0.1, "lora": 0.1, "lora+attention": 0.05}.items()
        for number in range(12)
    ]
    masses = Masses(found, 0)
    told = " ".join(sentences(masses))
    assert "expert looks more at the thing than chance (+0.300 [+0.300, +0.300])" in told
    assert "untouched cannot be told from chance" in told
    assert "lora+attention looks less at the thing than untouched" in told
    by_metric = {(row["method"], row["metric"], row.get("answered")): row["mean"] for row in rows(masses)}
    assert by_metric[EXPERT, "mass / chance", "all"] == pytest.approx(4)
    assert by_metric[CHANCE, "mass", "all"] == pytest.approx(0.1)
    assert by_metric[EXPERT, "exact", "all"] == 0.5


def test_a_room_is_learnt_and_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "make_session", tiny_session)
    student, expert = save_pair(tmp_path)
    found = measure_room(
        LookingPlan(student, expert, "test", 0, FewShotCourse(rank=2, alpha=4, steps=2, rate=0.02)), 0
    )
    assert {one.method for one in found} == {EXPERT, UNTOUCHED, *METHODS}
    assert {one.area for one in found} == {0.25}
    each = [one for one in found if (one.method, one.words) == (EXPERT, "answer, all layers")]
    assert len(each) <= TURNS - WARM_UP and all(0 <= one.share <= 1 for one in found)
    before, after = ([one.share for one in found if one.method == method] for method in (UNTOUCHED, "lora"))
    assert before != after


def test_the_command_prints_one_object_and_a_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(room, "make_session", tiny_session)
    student, expert = save_pair(tmp_path)
    words = ["bench", "look", "--rooms", "2", "--jobs", "1", "--student", student, "--expert", expert]
    drawn = tmp_path / "look.svg"
    assert run(roomwise.app, "roomwise", [*words, "--json", "--picture", str(drawn)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["command"] == "bench look" and {"mass", "exact"} <= {row["metric"] for row in told["rows"]}
    assert "<svg" in drawn.read_text()
    assert run(roomwise.app, "roomwise", [*words, "--split", "nowhere"]) == 2
    assert run(roomwise.app, "roomwise", [*words, "--picture", "look.bmp"]) == 2
