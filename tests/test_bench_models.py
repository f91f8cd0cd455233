"""The bench that judges models on rooms they never saw: its rows add up, and a perfect model scores 1."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_models import tiny_florence

import bench.pair.models
import roomwise
from bench.pair.models import BLIND, PicturedQuestion, answer_all, blind_reader, held_out_questions, rows
from bench.pretrain.blueprint import save_model
from core.lazy import run


@pytest.fixture(scope="module")
def asked() -> list[PicturedQuestion]:
    return held_out_questions("validation", rooms=2, size=64, jobs=1)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    save_model(*tiny_florence(), folder)
    return folder


def test_every_room_is_asked_twenty_questions(asked: list[PicturedQuestion]) -> None:
    assert [one.room for one in asked] == [0] * 20 + [1] * 20
    assert {one.frame for one in asked} > {0}


def test_a_model_that_knows_is_right_and_one_that_says_nothing_is_not(asked: list[PicturedQuestion]) -> None:
    answers = {BLIND: [""] * len(asked), "oracle": [one.question.answer for one in asked]}
    result = list(rows(asked, answers, seed=0))
    exact = {(row["model"], row["family"], row["about"]): row for row in result if row["metric"] == "exact"}
    assert exact["oracle", "all", "all"]["mean"] == 1
    assert exact[BLIND, "all", "all"]["mean"] == 0
    difference = next(row for row in result if row["metric"] == "exact difference")
    assert (difference["model"], difference["against"], difference["mean"]) == ("oracle", BLIND, 1.0)
    families = [row for (name, family, _), row in exact.items() if name == "oracle" and family != "all"]
    assert sum(int(str(row["n"])) for row in families) == len(asked)


def test_what_the_student_was_never_shown_is_counted_apart(asked: list[PicturedQuestion]) -> None:
    half = [replace(one, needs_unseen=place % 2 == 0) for place, one in enumerate(asked)]
    answers = {"m": [one.question.answer if one.needs_unseen else "" for one in half]}
    exact = {row["about"]: row["mean"] for row in rows(half, answers, seed=0) if row["family"] == "all"}
    assert exact["unseen"] == 1
    assert exact["seen"] == 0


def test_answers_stay_with_their_questions_whatever_the_order(
    asked: list[PicturedQuestion], tiny: Path
) -> None:
    forwards = answer_all(str(tiny), asked[:12])
    backwards = answer_all(str(tiny), asked[:12][::-1])
    assert forwards == backwards[::-1]


def test_the_blind_reader_learns_from_training_rooms() -> None:
    reader = blind_reader(2, jobs=1)
    assert reader.guess(bench.pair.models._training_questions(0)[0])


def test_one_json_object_is_printed(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench.pair.models, "BLIND_ROOMS", 1)
    line = ["bench", "models", "--rooms", "1", "--size", "64", "--jobs", "1", "--model", str(tiny), "--json"]
    assert run(roomwise.app, "roomwise", line) == 0
    report = json.loads(capsys.readouterr().out)
    assert {row["model"] for row in report["rows"]} == {BLIND, str(tiny)}


def test_an_unknown_split_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(roomwise.app, "roomwise", ["bench", "models", "--split", "tset"]) == 2
    assert "test" in capsys.readouterr().err
