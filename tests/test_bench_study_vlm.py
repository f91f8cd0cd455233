"""Study 1: groups are compared fairly, layers are matched as on the slide, the command says it all."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_shots import TURNS, tiny_session
from tiny_studies import save_pair

import roomwise
from bench.studies.vlm import rooms
from bench.studies.vlm.cells import CKA, SEEN, WORDS, Measure, common_grid, grid_cells, map_cells, word_cells
from bench.studies.vlm.found import LayerFindings, cohens_d, effect, permutation_p, permutations, small_draws
from bench.studies.vlm.rooms import Sample, samples
from bench.studies.vlm.rows import LITERAL, PUBLISHED, draw, rows, sentences
from core.lazy import run


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3)), min_size=2, max_size=30), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_outcomes_are_shuffled_among_questions_of_one_length(
    given_ones: list[tuple[bool, int]], seed: int
) -> None:
    flags, strata = (np.array(one) for one in zip(*given_ones, strict=True))
    shuffled = permutations(flags, strata, seed, count=20)
    for label in set(strata.tolist()):
        own = strata == label
        assert (shuffled[:, own].sum(axis=1) == flags[own].sum()).all()


def test_length_alone_is_no_finding() -> None:
    """Long questions are farther and more often wrong: at equal length nothing is left of it."""
    rng = np.random.default_rng(0)
    lengths = np.repeat([4, 9], 60)
    flags = rng.random(120) < np.where(lengths == 4, 0.85, 0.15)
    values = lengths + rng.normal(size=120) * 0.1
    blind = permutations(flags, np.zeros(120), 0)
    assert permutation_p(values, flags, blind) < 0.001
    assert permutation_p(values, flags, permutations(flags, lengths, 0)) > 0.05


def test_an_effect_is_found_and_none_is_not() -> None:
    rng = np.random.default_rng(1)
    flags, groups = np.arange(80) % 2 == 0, (np.arange(80) // 8).tolist()
    noise = rng.normal(size=80)
    shuffled = permutations(flags, np.zeros(80), 0)
    strong, none = (effect(noise - shift * flags, flags, groups, shuffled, 0) for shift in (2.0, 0.0))
    assert strong.p < 0.01 and strong.difference.high < 0 and strong.d < -1
    assert none.p > 0.05 and none.difference.low < 0 < none.difference.high
    assert cohens_d(np.ones(3), np.ones(4)) == 0
    assert set(small_draws(np.stack([noise - 50 * flags] * 3), flags, (5, 5), 0, 10)) == {3}
    with pytest.raises(ValueError, match="both groups"):
        effect(noise, np.ones(80, bool), groups, shuffled, 0)


def test_the_same_layer_is_no_distance_from_itself() -> None:
    layers = [torch.randn(6, 6, 8, generator=torch.Generator().manual_seed(seed)) for seed in range(2)]
    found = dict(grid_cells(SEEN, layers, layers))
    for distance in (CKA, LITERAL, "pca2 mse, procrustes", "1 - rsa"):
        assert found[Measure(SEEN, 1, 1, distance)] == pytest.approx(0, abs=1e-6)
        assert found[Measure(SEEN, 0, 1, distance)] > 0.01
    spans = [(0, 2), (2, 4), (4, 6), (6, 8)]
    words = [layers[0].flatten(0, 1)[:4]]
    assert dict(word_cells(words, words, (spans, spans)))[Measure(WORDS, 0, 0, CKA)] == pytest.approx(
        0, abs=1e-6
    )
    assert not dict(word_cells([words[0][:2]], [words[0][:2]], (spans[:2], spans[:2])))  # too few to tell
    maps = layers[0][..., :2].permute(2, 0, 1).abs()
    assert [value for cell, value in map_cells(maps, maps) if cell.student == cell.expert] == [0, 0]


def test_grids_meet_at_the_coarser_and_means_stay() -> None:
    fine, coarse = torch.rand(12, 12, 3), torch.rand(4, 6, 5)
    ours, theirs = common_grid(fine, coarse)
    assert ours.shape == (24, 3) and torch.equal(theirs, coarse.flatten(0, 1))
    assert torch.allclose(ours.mean(0), fine.mean((0, 1)), atol=1e-5)


def _found(nearer: float) -> LayerFindings:
    rng = np.random.default_rng(3)
    cells = [Measure(SEEN, 1, layer, distance) for layer in range(5) for distance in (LITERAL, CKA)]
    made = [
        Sample(
            number // 10, number % 2 == 0, number % 3 == 0, 5,
            {cell: float(rng.normal() - nearer * (number % 2 == 0)) for cell in cells},
        )
        for number in range(120)
    ]  # fmt: skip
    return LayerFindings(made, 0)


def test_what_holds_is_said_from_the_numbers() -> None:
    held, reversed_one = (" ".join(sentences(_found(nearer))) for nearer in (3.0, -3.0))
    assert "By 1 - cka layers are nearer where the student is right in 5 of 5 cells" in held
    assert "The hypothesis holds in most." in held
    assert (
        "in 0 of 5 cells (published: 1 of 9)" in reversed_one
        and "The opposite holds in most." in reversed_one
    )
    told = list(rows(_found(3.0)))
    assert sum("source" in row for row in told) == 2 * len(PUBLISHED) == 18
    middle = _found(3.0).around_middle(SEEN, CKA)
    assert list(middle) == [-2, -1, 0, 1, 2] and middle[0].expert == 2


def test_the_picture_has_every_layer_and_every_effect(tmp_path: Path) -> None:
    draw(tmp_path / "vlm.svg", _found(3.0), "a", "<b>")
    drawn = (tmp_path / "vlm.svg").read_text()
    assert drawn.count(", layer ") == 10 and "&lt;b&gt;" in drawn


def test_a_room_is_read_by_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "make_session", lambda split, index, size: tiny_session(split, index, size))
    found = samples(*save_pair(tmp_path), "test", 0)
    assert len(found) == TURNS and all(np.isfinite(list(one.cells.values())).all() for one in found)
    parts = {cell.part for cell in found[0].cells}
    assert parts == {SEEN, "picture in the text encoder", WORDS, "maps"}
    assert max(cell.expert for cell in found[0].cells if cell.part == WORDS) == 2  # three layers


def test_the_command_prints_one_object_and_a_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(rooms, "make_session", tiny_session)
    student, expert = save_pair(tmp_path)
    words = ["study", "vlm", "--rooms", "1", "--jobs", "1", "--student", student, "--expert", expert]
    drawn = tmp_path / "vlm.svg"
    assert run(roomwise.app, "roomwise", [*words, "--json", "--picture", str(drawn)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["command"] == "study vlm" and len(told["rows"]) > 100
    assert "<svg" in drawn.read_text()
    assert run(roomwise.app, "roomwise", words) == 0
    assert "published: slides of 28-05-2025" in capsys.readouterr().out
