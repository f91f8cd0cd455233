import json
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_models import photo, save_llava, tiny_florence

import roomwise
from bench.pair.latency import QUESTIONS, LatencyPairs, answerer, measure, plain_answerer, rows
from bench.pretrain.blueprint import save_model
from core.lazy import run
from models.registry import load_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    saved = tmp_path_factory.mktemp("models") / "tiny"
    save_model(*tiny_florence(), saved)
    return saved


def test_both_sides_give_the_same_words(folder: Path) -> None:
    vlm = load_model(str(folder))
    ours, plain = answerer(vlm, 8), plain_answerer(vlm, 8)
    for seed, question in enumerate(QUESTIONS):
        assert ours(photo(seed), question) == plain(photo(seed), question)


def test_sides_take_turns_and_every_question_is_seen_in_both_orders() -> None:
    seen: list[tuple[str, str]] = []

    def side(name: str, seconds: float) -> str:
        time.sleep(seconds)
        return "red"

    def ours(picture: Image.Image, question: str) -> str:
        seen.append(("ours", question))
        return side("ours", 0.001)

    def plain(picture: Image.Image, question: str) -> str:
        seen.append(("plain", question))
        return side("plain", 0.004)

    timing = measure(ours, plain, photo(), QUESTIONS, 2 * len(QUESTIONS))
    timed = seen[6:]
    firsts = [timed[index] for index in range(0, len(timed), 2)]
    assert {(name, question) for name, question in firsts} == {
        (name, question) for name in ("ours", "plain") for question in QUESTIONS
    }
    assert timing.same == 1
    assert np.median(timing.ours) < np.median(timing.plain)


def test_rows_hold_medians_and_their_ratio() -> None:
    timing = LatencyPairs(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 90.0]), 2 / 3)
    result = rows("m", timing, seed=0)
    by_key = {(row["method"], row["metric"], row.get("statistic")): row["mean"] for row in result}
    assert by_key["roomwise", "latency_ms", "p50"] == 2
    assert by_key["generate", "latency_ms", "p50"] == 4
    assert by_key["roomwise / generate", "ratio", "p50"] == 0.5
    assert by_key["roomwise / generate", "same_answer", None] == 2 / 3
    assert str(result) == str(rows("m", timing, seed=0))


def test_the_command_prints_one_json_object_with_the_ratio(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args = ["bench", "latency", "--model", str(folder), "--repeats", "6"]
    assert run(roomwise.app, "roomwise", [*args, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["command"] == "bench latency"
    (ratio,) = [row for row in report["rows"] if row["metric"] == "ratio"]
    assert 0 < ratio["low"] <= ratio["mean"] <= ratio["high"]
    assert run(roomwise.app, "roomwise", args) == 0
    assert "ratio" in capsys.readouterr().out


def test_other_families_are_refused_with_a_remedy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_llava(tmp_path)
    assert run(roomwise.app, "roomwise", ["bench", "latency", "--model", str(tmp_path)]) == 2
    assert "Florence-2 family" in capsys.readouterr().err


@pytest.mark.slow
def test_the_students_answer_is_no_slower_than_generate() -> None:
    if not (Path(roomwise.__file__).parent / "models" / "builtin" / "student").is_dir():
        pytest.skip("the weights of builtin-student are not in this checkout yet")
    vlm = load_model("builtin-student")
    timing = measure(answerer(vlm, 24), plain_answerer(vlm, 24), photo(0, 640, 480), QUESTIONS, 60)
    assert np.median(timing.ours) <= np.median(timing.plain)
