"""Rows of `bench takeover`, and the command from rendered-like rooms to a calibration that is used."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from tiny_calibration import answers, tiny_calibration, tiny_evidence
from tiny_memory import WordsAndColours, jpeg
from tiny_models import tiny_florence
from typer.testing import CliRunner, Result

from agent.loop import build
from agent.takeover.calibration import FILE, find_calibration, write_calibration
from bench.pretrain.blueprint import save_model
from bench.takeover.cli import app, refuse_known
from bench.takeover.picture import coverage_curve, draw
from bench.takeover.rows import (
    CALIBRATED,
    RAW,
    TakeOverScores,
    all_rows,
    calibration_error,
    expected_calibration_error,
    in_use_rows,
)
from bench.takeover.visits import StudentAnswer, Visited
from core.errors import InputError, WeightsError


def _said(least: float, agrees: bool, right: bool = True, stood: bool = True) -> StudentAnswer:
    return StudentAnswer(
        tiny_evidence(least=least, mean=least), agrees, right, expert_right=True, stood=stood
    )


_ROOMS = [
    Visited("a", "ka", (_said(-0.1, True), _said(-3.0, False, right=False)), calls=10),
    Visited("b", "kb", (_said(-0.1, False), _said(-0.2, True), _said(-4.0, True, stood=False)), calls=11),
]


def _measured() -> TakeOverScores:
    """The least likely token decides: answers stand above a logit of 0, thus from -1 nats on."""
    calibration = tiny_calibration(1.0, 0.5, least=1.0)
    logits = [calibration.logit(said.evidence) for room in _ROOMS for said in room.answers]
    return TakeOverScores(_ROOMS, logits, calibration)


def test_rows_say_what_would_have_stood() -> None:
    told = {
        (row["method"], row.get("requested"), row["metric"]): (row["mean"], row["n"])
        for row in all_rows(_measured(), seed=0)
    }
    assert told[CALIBRATED, 0.8, "agreement"] == (2 / 3, 3)
    assert told[CALIBRATED, 0.8, "exact"] == (1.0, 3)
    assert told[CALIBRATED, 0.8, "stands"] == (0.6, 5)
    assert told[CALIBRATED, 0.8, "exact of all"] == (1.0, 5)
    # The first room's unsure answer is put to the expert, the second's has been before.
    assert told[CALIBRATED, 0.8, "expert calls"] == (11.0, 2)
    assert told[RAW, 0.9, "stands"] == (0.4, 5)
    assert (RAW, 0.95, "agreement") not in told  # nobody is so sure
    assert told[RAW, None, "ece"][0] == pytest.approx(
        expected_calibration_error(_measured().probabilities(RAW), _measured().agreed)
    )


def test_rows_of_use_say_what_stood() -> None:
    told = {row["metric"]: row["mean"] for row in in_use_rows(_ROOMS, 0.8, seed=0)}
    assert told["agreement"] == 0.5 and told["stands"] == 0.8 and told["expert calls"] == 10.5


def test_the_error_lies_in_its_interval_and_one_room_has_none() -> None:
    _, agreed, groups = answers(30, 10)
    found = calibration_error([0.7] * len(agreed), agreed, groups, seed=0)
    assert found.mean == pytest.approx(abs(0.7 - sum(agreed) / len(agreed)))
    assert found.low < found.mean < found.high and found.n == 300
    assert math.isnan(calibration_error([0.7], [True], [0], seed=0).low)


def test_the_surest_answers_come_first_and_equals_together() -> None:
    curve = coverage_curve([0.5, 0.9, 0.5, 0.1], [True, True, False, False])
    assert curve == [(0.25, 1.0), (0.75, 2 / 3), (1.0, 0.5)]


def test_a_picture_is_drawn_in_both_colours(tmp_path: Path) -> None:
    draw(_measured(), tmp_path / "plots.png")
    with Image.open(tmp_path / "plots.png") as image:
        seen = {colour for _, colour in image.convert("RGB").getcolors(1 << 20) or []}
        assert image.width > 2 * image.height * 0.8
    assert {(0x15, 0x83, 0xA8), (0xD1, 0x8B, 0x1F)} <= seen


def test_a_calibration_is_not_judged_on_its_own_rooms() -> None:
    refuse_known(_ROOMS, replace(tiny_calibration(), about={"rooms": ["kc"]}))
    with pytest.raises(InputError, match="fitted to 1 of these rooms, b among them"):
        refuse_known(_ROOMS, replace(tiny_calibration(), about={"rooms": ["kb"]}))


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("models") / "student"
    save_model(*tiny_florence(), folder, torch.float32)
    return str(folder)


@pytest.fixture(autouse=True)
def small_embedder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "room_embedder", lambda student: WordsAndColours())
    monkeypatch.setenv("ROOMWISE_ROUTER__WARM_UP", "1")


def _sessions(folder: Path, names: str) -> Path:
    for name in names:
        session = folder / name
        session.mkdir(parents=True)
        (session / "frame-0.jpg").write_bytes(jpeg(ord(name)))
        turns = [{"frame": 0, "question": f"What is {name} {n}?", "answer": "red"} for n in range(3)]
        (session / "session.json").write_text(json.dumps({"room": name, "turns": turns}))
    return folder


def _run(student: str, tmp_path: Path, *wishes: str) -> Result:
    common = ["--student", student, "--jobs", "1", "--out", str(tmp_path / "out"), "--json"]
    return CliRunner().invoke(app, [*common, *wishes])


def _told(result: Result) -> dict[tuple[Any, ...], float]:
    assert result.exit_code == 0, result.output + repr(result.exception)
    rows = json.loads(result.stdout)["rows"]
    return {(row["method"], row.get("requested"), row["metric"]): row["mean"] for row in rows}


def test_what_is_fitted_in_some_rooms_is_used_and_judged_in_others(student: str, tmp_path: Path) -> None:
    known, others = _sessions(tmp_path / "known", "abc"), _sessions(tmp_path / "others", "def")
    picture = tmp_path / "plots.png"
    with pytest.raises(WeightsError, match="--fit"):
        find_calibration(student)
    assert isinstance(_run(student, tmp_path, "--sessions", str(others)).exception, WeightsError)
    fit = _told(_run(student, tmp_path, "--fit", "--sessions", str(known), "--picture", str(picture)))
    assert (RAW, None, "ece") in fit and picture.is_file()
    made = find_calibration(student)
    assert made.about["answers"] == 6 and len(made.about["rooms"]) == 3
    write_calibration(replace(made, intercept=9.0), tmp_path / FILE)
    wishes = ["--agreement", "1", "--calibration", str(tmp_path / FILE)]
    unlike = _run(student, tmp_path, "--sessions", str(others), *wishes)
    assert isinstance(unlike.exception, InputError) and "Leave --calibration out" in str(unlike.exception)
    told = _told(_run(student, tmp_path, "--sessions", str(others), "--agreement", "1"))
    assert told["in use", 1.0, "expert calls"] == 3 and told["in use", 1.0, "stands"] == 0
    again = _run(student, tmp_path, "--sessions", str(known))
    assert isinstance(again.exception, InputError) and "fitted to" in str(again.exception)


def test_a_room_is_replayed_once(student: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = str(_sessions(tmp_path / "known", "ab"))
    kept = tmp_path / FILE
    first = _told(_run(student, tmp_path, "--fit", "--sessions", sessions, "--calibration", str(kept)))
    monkeypatch.setattr("bench.learning.replay.replay_session", None)
    assert (
        _told(_run(student, tmp_path, "--fit", "--sessions", sessions, "--calibration", str(kept))) == first
    )


def test_what_cannot_be_used_is_refused_before_anything_is_replayed(student: str, tmp_path: Path) -> None:
    sessions = str(_sessions(tmp_path / "known", "ab"))
    foreign = tmp_path / FILE
    write_calibration(replace(tiny_calibration(), base="cd"), foreign)
    result = _run(student, tmp_path, "--sessions", sessions, "--calibration", str(foreign))
    assert isinstance(result.exception, WeightsError) and "belongs to" in str(result.exception)
    assert _run(student, tmp_path, "--sessions", sessions, "--agreement", "1.5").exit_code == 2
    both = _run(student, tmp_path, "--sessions", sessions, "--fit", "--agreement", "0.8")
    assert isinstance(both.exception, InputError) and "one after the other" in str(both.exception)
    assert not (tmp_path / "out").exists()


def test_one_room_is_too_few_to_fit(student: str, tmp_path: Path) -> None:
    result = _run(student, tmp_path, "--fit", "--sessions", str(_sessions(tmp_path / "one", "a")))
    assert isinstance(result.exception, InputError) and "two different rooms" in str(result.exception)
