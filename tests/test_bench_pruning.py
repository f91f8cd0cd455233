import json
from io import BytesIO
from pathlib import Path

import pytest
from tiny_models import QUESTIONS, photo, save_llava, tiny_florence, wrapped
from typer.testing import CliRunner

from bench.measure.charts import draw
from bench.measure.intervals import Interval
from bench.measure.report import Row
from bench.pair.models import PicturedQuestion
from bench.pruning.cli import app, time_answers, timing_rows
from bench.pruning.sizes import FLORENCE_BASE, write_size
from bench.rooms.questions.draft import Question
from bench.studies.pruning.accuracy import KINDS, accuracy_rows, answer_all_ways, cheapest
from bench.studies.pruning.cli import paragraph
from bench.studies.pruning.maps import drop_layer, language_rows, tower_rows
from bench.studies.pruning.published import BELOW
from bench.studies.pruning.seconds import METHODS, seconds_rows, time_methods
from core.errors import InputError
from models.registry import load_model
from models.vlm import VisionLanguageModel


@pytest.fixture(scope="module")
def llava(tmp_path_factory: pytest.TempPathFactory) -> VisionLanguageModel:
    folder = tmp_path_factory.mktemp("llava")
    save_llava(folder)
    return load_model(str(folder))


def test_the_published_size_is_that_of_florence_2_base() -> None:
    assert FLORENCE_BASE.vision_tokens == 577 and FLORENCE_BASE.grids == (192, 96, 48, 24)


def test_every_share_is_timed_as_often_with_as_many_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.token_pruning.LEAST", 2)
    vlm = wrapped(*tiny_florence())
    calls: list[int] = []
    timing = time_answers(
        vlm, vlm.encode_images([photo(0)]), QUESTIONS, (1.0, 0.5), 4, 3, "colmean", 0, lambda: calls.append(1)
    )
    assert timing.tokens == {1.0: 10, 0.5: 5} and len(calls) == 7
    assert all(len(times) == 4 and (times > 0).all() for times in timing.whole.values())
    assert all((timing.prefill[share] <= timing.whole[share]).all() for share in (1.0, 0.5))
    rows = timing_rows("tiny", timing, 0)
    (same,) = [row for row in rows if row["share"] == 1.0 and row["metric"] == "times_faster"]
    assert same["mean"] == same["low"] == same["high"] == 1.0
    assert vlm.pruner is None


def test_the_command_prints_one_object(tmp_path: Path, llava: VisionLanguageModel) -> None:
    picture = tmp_path / "p.svg"
    arguments = ["--model", llava.name, "--repeats", "2", "--length", "2", "--json", "--threads", "1"]
    result = CliRunner().invoke(app, [*arguments, "--picture", str(picture)])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["command"] == "bench pruning"
    assert {row["metric"] for row in found["rows"]} >= {"vision_ms", "language_ms", "times_faster"}
    assert "<svg" in picture.read_text()


@pytest.mark.parametrize(
    "wrong",
    [
        ["--size", "florence-3"],
        ["--by", "guess"],
        ["--model", "x", "--size", "florence-2-base"],
        ["--write", "x"],
        ["--picture", "x.gif"],
        ["--share", "1.5"],
    ],
)
def test_wrong_wishes_are_named(wrong: list[str], llava: VisionLanguageModel) -> None:
    arguments = wrong if "--model" in wrong or "--size" in wrong or "--write" in wrong else [
        *wrong, "--model", llava.name
    ]  # fmt: skip
    result = CliRunner().invoke(app, [*arguments, "--repeats", "2", "--length", "1"])
    assert isinstance(result.exception, InputError)


def test_a_folder_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--model"):
        write_size("llava-narrow", tmp_path, 0)


def questions(rooms: int = 4) -> list[PicturedQuestion]:
    return [
        PicturedQuestion(
            room, 0, _jpeg(room), Question(text, "red", "colour", (1,), 0, "f", "colour", "k", {}), False
        )
        for room in range(rooms)
        for text in QUESTIONS
    ]


def test_accuracy_of_all_tokens_kept_is_that_of_all() -> None:
    vlm = wrapped(*tiny_florence())  # nine cells: fewer than the least, so that all stay
    right = answer_all_ways(vlm, vlm, questions(), (0.5,), (False, True), 0)
    assert {kind for kind, _, _ in right} == {"all", *KINDS}
    assert all((found == right["all", 1.0, False]).all() for found in right.values())
    rows = list(accuracy_rows("tiny", questions(), right, 0))
    lost = [row for row in rows if row["metric"] == "exact difference"]
    assert len(lost) == 2 * len(KINDS) and all(row["mean"] == 0 for row in lost)
    assert cheapest(rows, 0.02, 0.5, lambda name: "random" not in name)
    assert "t2v" in paragraph(rows)


def test_the_posts_tables_are_made_of_any_llava(llava: VisionLanguageModel) -> None:
    pictures = [photo(0), photo(1)]
    rows = list(tower_rows(llava, pictures, 0))
    entropies = [row for row in rows if row["metric"] == "entropy"]
    assert len(entropies) == 3 * 2 and all(0 < float(row["mean"] or 0) <= 1.0001 for row in entropies)
    below = [row for row in rows if row["metric"] == "percent below"]
    assert len(below) == 3 * 6 and all(0 <= float(row["mean"] or 0) <= 100 for row in below)
    assert below[0]["published"] == 0.82 and len(BELOW) == 24
    found, dropped = time_methods(llava, pictures, 2, 1, 0, lambda: None)
    assert len(found) == len(METHODS) * 2 * 4 and dropped["none"] == 0
    assert all(len(one.token_ids) == 2 for one in found)
    told = list(seconds_rows("tiny", found, dropped, 0))
    (same,) = [row for row in told if row["metric"] == "same words" and row["method"] == "none"]
    assert same["mean"] == 1.0
    assert "layer-wise" in paragraph([*rows, *told])


def test_where_entropy_falls_is_found() -> None:
    values = [1.0, 0.98, 0.6, 0.55]
    rows: list[Row] = [{"metric": "entropy", "rows": "class token", "mean": value} for value in values]
    layer, fall = drop_layer(rows, "class token")
    assert layer == 2 and fall == pytest.approx(0.38)


def test_a_language_models_rows_are_counted() -> None:
    vlm = wrapped(*tiny_florence(attention="eager"))
    rows = list(language_rows(vlm, [photo(0), photo(1)], QUESTIONS[0], 0))
    assert {row["layer"] for row in rows} == {1, 2}
    assert all(0 <= float(row["mean"] or 0) <= 1 for row in rows if row["metric"] == "entropy")


def test_lines_are_drawn_with_their_names(tmp_path: Path) -> None:
    points = [(1.0, Interval(0.5, 0.4, 0.6, 9)), (2.0, Interval(0.7, 0.6, 0.8, 9))]
    draw(tmp_path / "one.svg", "a & b", ("x", "y"), {"one": points})
    drawn = (tmp_path / "one.svg").read_text()
    assert "a &amp; b" in drawn and ">one<" in drawn and ">x<" in drawn and ">y<" in drawn
    assert drawn.count("fill: #1583a8") == 3  # two points and the legend's
    draw(tmp_path / "two.svg", "a & b", ("x", "y"), {"one": points})
    assert drawn == (tmp_path / "two.svg").read_text()
    with pytest.raises(ValueError, match="no point"):
        draw(tmp_path / "none.svg", "a", ("x", "y"), {"one": []})


def _jpeg(seed: int) -> bytes:
    buffer = BytesIO()
    photo(seed).save(buffer, "JPEG")
    return buffer.getvalue()
