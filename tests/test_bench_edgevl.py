"""The study of EdgeVL: paired folders, scores and claims, and the whole of it on tiny encoders."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from room_facts import made_up
from tiny_scenes import SHAPES, depth, picture, tiny_clip

from bench.measure.intervals import Interval
from bench.pretrain.scene.head import always, caption_bank, truths
from bench.pretrain.scene.pairs import read_folder
from bench.pretrain.scene.recipes import RECIPE
from bench.pretrain.scene.runs import waves
from bench.studies.edgevl import training as module
from bench.studies.edgevl.claims import (
    CLAIMS,
    PlaceClaim,
    PlaceScores,
    PlaceVerdict,
    claim_rows,
    judge,
    paragraph,
)
from bench.studies.edgevl.cli import app
from bench.studies.edgevl.entrants import folder_views
from bench.studies.edgevl.study import run_study
from bench.studies.edgevl.training import EdgeVLPlan, train
from core.errors import InputError
from core.lazy import run
from models.scene.student import SceneShape, load_student
from models.scene.teacher import load_teacher

_CLASSES = ["kitchen", "office", "bedroom / hotel"]


def _views(folder: Path, rooms: int = 3, frames: int = 2) -> Path:
    for number, name in enumerate(("kitchen", "office", "bedroom - hotel")):
        for room in range(rooms):
            place = folder / name / f"room-{room}"
            place.mkdir(parents=True)
            for frame in range(frames):
                seed = 100 * number + 10 * room + frame
                picture(seed).save(place / f"{frame}.jpg")
                Image.fromarray(depth(seed)).save(place / f"{frame}.depth.png")
    return folder


def test_a_folder_of_pairs_is_read_with_classes_and_rooms(tmp_path: Path) -> None:
    found = read_folder(_views(tmp_path))
    assert found.frames.shape == (18, 160, 160, 3) and found.depth.dtype == np.uint16
    assert set(found.classes) == {"kitchen", "office", "bedroom / hotel"}
    assert len(set(found.rooms)) == 9
    views = folder_views(tmp_path, _CLASSES)
    assert np.bincount(views.right).tolist() == [6, 6, 6]
    with pytest.raises(InputError, match="not among the class names"):
        folder_views(tmp_path, ["kitchen", "office"])


def test_broken_pairs_are_named(tmp_path: Path) -> None:
    folder = _views(tmp_path)
    beside = folder / "kitchen" / "room-0" / "0.depth.png"
    Image.fromarray(depth(0, (64, 40))).save(beside)
    with pytest.raises(InputError, match="align depth"):
        read_folder(folder)
    Image.fromarray(np.zeros((40, 40), np.uint8)).save(beside)
    with pytest.raises(InputError, match="16-bit grey"):
        read_folder(folder)
    beside.unlink()
    with pytest.raises(InputError, match="no depth beside it"):
        read_folder(folder)


def _scores(**right: NDArray[np.float64]) -> PlaceScores:
    return PlaceScores([str(number // 2) for number in range(8)], right)


def test_scores_average_seeds_and_modalities() -> None:
    right = np.zeros((2, 2, 8))
    right[0, 0, :4], right[:, 1] = 1, 1
    scores = _scores(stage1=right)
    assert scores.interval("stage1", "depth").mean == 0.25
    assert scores.interval("stage1", "rgb").mean == 1
    assert scores.interval("stage1", "mean").mean == 0.625
    assert {(row["method"], row["modality"], row["metric"]) for row in scores.rows()} == {
        ("stage1", modality, "accuracy") for modality in ("depth", "rgb", "mean")
    }
    assert scores.spread("stage1", "rgb") == 0 < scores.spread("stage1", "depth")


@given(st.floats(-1, 1), st.floats(0, 0.2), st.floats(-0.1, 0.3))
def test_a_claim_holds_only_where_its_mean_is_reached(mean: float, half: float, least: float) -> None:
    found = Interval(mean, mean - half, mean + half, 10)
    word = PlaceVerdict(PlaceClaim("a", "b", "mean", least), found).word
    assert (word == "holds") <= (mean >= least)
    assert not (word == "does not hold" and mean >= least)
    assert PlaceVerdict(
        PlaceClaim("a", "b", "mean", least), Interval(mean, float("nan"), float("nan"), 1)
    ).word == ("cannot be told")


def test_what_is_said_of_claims_comes_from_the_figures() -> None:
    all_right, none = np.ones((1, 2, 8)), np.zeros((1, 2, 8))
    named = {"teacher": none, "stage1": none, "stage1-ptq": none, "stage2-int8": all_right}
    scores = _scores(**named)
    verdicts = judge(scores)
    words = {(one.claim.first, one.claim.second, one.claim.modality): one.word for one in verdicts}
    assert words["stage2-int8", "teacher", "depth"] == words["stage2-int8", "stage1-ptq", "mean"] == "holds"
    assert words["stage2-int8", "stage1", "rgb"] == "holds"
    assert "+100.0" in paragraph(verdicts, scores)
    worse = _scores(**named | {"stage2-int8": none, "stage1": all_right})
    told = paragraph(judge(worse), worse)
    assert "does not hold" in told and "takes 100.0 points here" in told
    assert len(claim_rows(verdicts)) == len(verdicts) < len(CLAIMS)


def test_captions_are_true_of_what_they_name() -> None:
    bank = caption_bank(0)
    assert bank == caption_bank(0)
    seen = made_up(3)
    true = truths(bank, [seen])[0]
    clear = {thing.category for thing in seen.seen if thing.clear}
    for row, (_, kind, things) in enumerate(bank):
        assert true[row] == ((kind is None or kind == seen.kind) and things <= clear)
    places = always(bank)
    assert true[places].any() and not true[places].all()


@pytest.fixture
def _tiny(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def shape(width: int) -> SceneShape:
        return replace(SHAPES["davit"], width=width)

    monkeypatch.setattr(module, "SHAPES", {"built-in": shape})
    monkeypatch.setenv("ROOMWISE_HOME", str(tmp_path / "home"))


@pytest.mark.usefixtures("_tiny")
def test_the_whole_study_on_a_folder_with_atiny_clip(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    data = tmp_path / "data"
    _views(data / "train")
    _views(data / "test", rooms=2)
    recipe = RECIPE.shortened(0.006)
    plan = EdgeVLPlan(
        tmp_path / "out", tmp_path, _CLASSES, seeds=1, data=data, teacher=str(tiny_clip(tmp_path / "clip")),
        recipe=recipe, jobs=1, threads=1, quiet=True, no_triplets=True,
    )  # fmt: skip
    scores, speed = run_study(plan)
    assert set(scores.right) >= {
        "teacher", "rgb-only", "depth-only", "stage1", "stage1-ptq", "stage1-qat", "stage2-int8",
        "stage2-no-triplets",
    }  # fmt: skip
    metrics = {row["metric"]: row["mean"] for row in speed}
    assert metrics["cosine"] > 0.99  # type: ignore[operator]
    assert metrics["bytes"] > 0 < metrics["times faster"]  # type: ignore[operator]
    again, _ = run_study(plan)
    assert all(np.array_equal(scores.right[name], again.right[name]) for name in again.right)


def test_processes_side_by_side_train_what_one_does(tmp_path: Path) -> None:
    data = tmp_path / "data"
    _views(data / "train", rooms=1)
    recipe = replace(RECIPE, methods=(RECIPE.method("depth-only"), RECIPE.method("stage1"))).shortened(0.001)
    alone = EdgeVLPlan(
        tmp_path / "alone", tmp_path, _CLASSES, seeds=1, data=data, teacher=str(tiny_clip(tmp_path / "clip")),
        recipe=recipe, jobs=1, threads=1, quiet=True,
    )  # fmt: skip
    together = replace(alone, out=tmp_path / "together", jobs=2, threads=2)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    for plan in (alone, together):
        train(plan, load_teacher(plan.teacher))
    torch.set_num_threads(threads)
    for wave in waves(recipe):
        for name in wave:
            one, other = (load_student(plan.place(name, 0)).state_dict() for plan in (alone, together))
            assert all(torch.equal(one[key], other[key]) for key in one), name


def test_quick_takes_no_data_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(app, "edgevl", ["--quick", "--data", str(tmp_path)]) == 2
    assert "--quick" in capsys.readouterr().err


@pytest.mark.slow
def test_quick_prints_one_object(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("embreex")
    monkeypatch.setenv("ROOMWISE_HOME", str(tmp_path))
    assert run(app, "edgevl", ["--quick", "--rooms", "4", "--json", "--jobs", "1"]) == 0
    report = json.loads(capsys.readouterr().out)
    rows = [row for row in report["rows"] if row["metric"] == "accuracy" and "source" not in row]
    assert {row["method"] for row in rows} >= {"teacher", "stage1", "stage1-ptq", "stage2-int8"}
    assert {row["modality"] for row in rows} == {"rgb", "depth", "mean"}
