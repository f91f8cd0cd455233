"""Both commands from end to end on tiny models, and what they say when that cannot be."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_studies import save_pair, without_rendering

import roomwise
from bench.studies.few_shot import align_kd, sf
from bench.studies.few_shot.command import command
from core.lazy import run


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    without_rendering(monkeypatch)
    student, expert = save_pair(tmp_path)
    return ["--student", student, "--expert", expert, "--jobs", "1", "--steps", "1", "--rooms", "2",
            "--seeds", "1", "--out", str(tmp_path / "out")]  # fmt: skip


def test_sf_prints_one_object_and_a_picture(
    pair: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = [entry for entry in sf.STUDY.entries if entry.name in ("sf0", "sf1", "sf2", "align-kd-code")]
    monkeypatch.setattr(sf, "app", command(replace(sf.STUDY, entries=kept)))
    drawn = tmp_path / "sf.svg"
    assert run(roomwise.app, "roomwise", ["study", "sf", *pair, "--json", "--picture", str(drawn)]) == 0
    captured = capsys.readouterr()
    told = json.loads(captured.out)
    assert (told["schema"], told["command"]) == (1, "study sf")
    assert "align-kd-code is left out. t2v_code: both models must give sequences" in captured.err
    published = {
        row["method"]: row["mean"] for row in told["rows"] if row["metric"].startswith("levenshtein")
    }
    assert published["sf1"] == 0.3727 and published["sf3"] == 0.1618
    verdicts = [row for row in told["rows"] if "verdict" in row]
    assert {(row["method"], row["published"]) for row in verdicts} >= {("sf1", 0.2085), ("sf2", -0.0094)}
    assert "<svg" in drawn.read_text()
    monkeypatch.setattr(sf, "app", command(replace(sf.STUDY, entries=kept[:2])))  # known already
    assert run(roomwise.app, "roomwise", ["study", "sf", *pair]) == 0
    printed = capsys.readouterr().out
    assert "plain fine-tuning" in printed and "0.3727" in printed and "Not to be told from sf1" in printed


def test_align_kd_tells_how_hard_attention_pulls(
    pair: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = [entry for entry in align_kd.STUDY.entries if entry.name in ("ce", "align-kd", "block t2t")]
    monkeypatch.setattr(align_kd, "app", command(replace(align_kd.STUDY, entries=kept)))
    assert run(roomwise.app, "roomwise", ["study", "align-kd", *pair]) == 0
    printed = capsys.readouterr().out
    assert "Gradient of the attention term halfway" in printed and "align-kd" in printed
    assert "published: +2)" in printed  # 64.4 against 62.4


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["--student", "no-such-model"], "There is no model or folder 'no-such-model'"),
        (["--expert", "no-such-model"], "There is no model or folder 'no-such-model'"),
        (["--picture", "sf.jpg"], "ends in .svg or .png"),
        (["--split", "tests"], "validation or test"),
    ],
)
def test_what_cannot_be_leaves_nothing(
    wrong: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run(roomwise.app, "roomwise", ["study", "sf", "--out", str(out), *wrong]) == 2
    assert said in capsys.readouterr().err and not out.exists()


def test_a_folder_of_something_else_is_left_alone(
    pair: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "study.json").write_text("{}")
    assert run(roomwise.app, "roomwise", ["study", "sf", *pair]) == 2
    assert "another folder" in capsys.readouterr().err
    (out / "study.json").rename(out / "notes.txt")
    assert run(roomwise.app, "roomwise", ["study", "sf", *pair]) == 2
    assert "new folder" in capsys.readouterr().err
    assert [path.name for path in out.iterdir()] == ["notes.txt"]
