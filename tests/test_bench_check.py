"""The check of rendered rooms: it passes what is right, catches what is not; and the command around it."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import roomwise
from bench.rooms import proof
from bench.rooms.blind import BlindReader
from bench.rooms.check import mistakes, overlaps
from bench.rooms.layout import build_room
from bench.rooms.questions import balance
from bench.rooms.questions.ask import candidates
from bench.rooms.questions.draft import Question, QuestionDraft
from bench.rooms.views import Shot, visit
from bench.rooms.world.scene import FurnishedRoom
from core.lazy import run

Visit = tuple[FurnishedRoom, list[Shot]]


@pytest.fixture(scope="module")
def visited() -> Visit:
    pytest.importorskip("embreex")
    return visit("train", 5, 72, 3)


def _asked(shot: Shot) -> list[Question]:
    return candidates(shot.facts, np.random.default_rng(0), "train")


def test_rendered_questions_pass(visited: Visit) -> None:
    room, shots = visited
    assert sum(len(_asked(shot)) for shot in shots) > 60
    assert not [line for shot in shots for line in mistakes(room, shot, _asked(shot))]


def test_a_wrong_answer_of_any_kind_is_caught(visited: Visit) -> None:
    room, shots = visited
    asked = [(shot, question) for shot in shots for question in _asked(shot)]
    assert len({question.kind for _, question in asked}) >= 10
    for shot, question in asked:
        assert mistakes(room, shot, [question._replace(answer="nonsense")])


def test_a_hidden_subject_is_caught(visited: Visit) -> None:
    room, shots = visited
    out_of_sight = next(o.id for o in room.objects if o.askable and o.id not in shots[0].visible)
    question = next(q for q in _asked(shots[0]) if q.kind == "colour")
    assert mistakes(room, shots[0], [question._replace(subject=(out_of_sight,))])


def test_a_question_that_could_mean_two_things_is_caught(visited: Visit) -> None:
    room, shots = visited
    question = next(q for q in _asked(shots[0]) if q.kind == "colour")
    twin = question._replace(slots={"a": "no such thing"})
    assert mistakes(room, shots[0], [twin])


def test_splits_share_nothing_and_sharing_is_seen() -> None:
    rooms = {split: [build_room(split, n) for n in range(2)] for split in ("train", "validation", "test")}
    assert not overlaps(rooms)
    (line,) = overlaps({"train": rooms["train"], "test": rooms["train"][:1]})
    assert line.startswith("layout in test and train")


def test_fitting_thins_the_common_answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    draft = QuestionDraft("exist", "yesno", {"an": "mug"}, "no", (), "exist|mug", "exist:mug")
    table = tmp_path / "balance.txt"
    table.write_text(balance.fit([draft] * 90 + [draft._replace(answer="yes")] * 10), encoding="utf-8")
    monkeypatch.setattr(balance, "TABLE", table)
    balance._table.cache_clear()
    try:
        assert balance.keep(draft) == pytest.approx(1 / 9, abs=1e-3)
        assert balance.keep(draft._replace(answer="yes")) == 1.0
        assert balance.keep(draft._replace(key="exist|unheard of")) == pytest.approx(1 / 9, abs=1e-3)
    finally:
        balance._table.cache_clear()


def test_render_rooms_draws_a_sheet_and_writes_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("embreex")
    sheet, out = tmp_path / "sheet.png", tmp_path / "out"
    words = ["render", "rooms", "--rooms", "1", "--size", "48", "--sheet", str(sheet), "--out", str(out)]
    assert run(roomwise.app, "roomwise", words) == 0
    with Image.open(sheet) as picture:
        assert picture.width > 4 * 48
    names = {path.name for path in (out / "test-0").iterdir()}
    assert {"facts.json", "frame-0.jpg", "depth-0.png"} <= names
    assert "1 rooms of test" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["render", "rooms"], "Nothing to write to. Name a picture with --sheet"),
        (["render", "rooms", "--split", "tset", "--sheet", "x.png"], "no split 'tset'. Did you mean test"),
        (["render", "session", "--split", "x", "--out", "y"], "There is no split 'x'."),
    ],
)
def test_what_cannot_be_rendered_is_explained(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(roomwise.app, "roomwise", words) == 2
    captured = capsys.readouterr()
    assert message in captured.err and not captured.out


def test_render_check_reports_in_the_common_form(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("embreex")
    monkeypatch.setattr(proof, "overlaps", lambda rooms: [])
    monkeypatch.setattr(proof, "BLIND_LIMIT", 1.0)
    assert run(roomwise.app, "roomwise", ["render", "check", "--rooms", "1", "--size", "48", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["command"] == "render check"
    wrong = [row for row in report["rows"] if row["metric"] == "wrong"]
    assert wrong[0]["mean"] == 0 and wrong[0]["n"] > 100
    assert {row["family"] for row in report["rows"]} >= {"all", "colour", "yesno"}


def test_a_failed_check_ends_with_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("embreex")
    monkeypatch.setattr(proof, "overlaps", lambda rooms: [])
    monkeypatch.setattr(BlindReader, "is_right", lambda self, question: True)
    assert run(roomwise.app, "roomwise", ["render", "check", "--rooms", "1", "--size", "48"]) == 1
    assert "A blind reader is right 1.00 of the time" in capsys.readouterr().err
