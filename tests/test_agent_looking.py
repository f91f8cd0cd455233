"""The look as a person gets it: a picture, a table or one object, small pictures in a report; its errors."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from tiny_models import photo, save_llava, tiny_florence, wrapped
from tiny_studies import save_pair

import roomwise
from agent.looking.heat import draw_heat, shrink, stretch
from agent.looking.looked import map_attention
from agent.looking.show import show
from agent.looking.turns import turn_maps
from agent.recording.record import Recorder, read_recording
from agent.recording.summary import summarise
from agent.replay.report import write_report
from core.events import Answered, Asked, Routed, SessionStarted
from core.frames import encode
from core.lazy import run

_QUESTION = "What colour is the sofa?"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    return save_pair(tmp_path_factory.mktemp("pair"))


@pytest.fixture
def frame(tmp_path: Path) -> str:
    photo(1, 96, 60).save(tmp_path / "frame.png")
    return str(tmp_path / "frame.png")


def test_look_prints_one_object_and_draws(
    pair: tuple[str, str], frame: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn = tmp_path / "look.png"
    words = [
        "look",
        frame,
        _QUESTION,
        "--student",
        pair[0],
        "--expert",
        pair[1],
        "--layer",
        "1",
        "--head",
        "2",
    ]
    assert run(roomwise.app, "roomwise", [*words, "--output", str(drawn), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["model"] for one in told["models"]] == list(pair)
    first, *rest = told["models"][1]["maps"]
    assert first["map"].endswith("layer 1, head 2") and np.array(first["cells"]).shape == (6, 6)
    titles = {one["map"] for one in rest}
    assert {"rollout", "rollout, no residual", "tower: windows", "question: layer 3"} <= titles
    for one in rest:
        assert 0 <= one["entropy"] <= 1.001
        if not one["map"].startswith("tower"):
            assert np.sum(one["cells"]) == pytest.approx(1, abs=1e-3) and 0 <= one["mass"] <= 1
    with Image.open(drawn) as page:
        assert page.width > 900


def test_a_table_without_a_terminal_and_pictures_in_one(
    pair: tuple[str, str], frame: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        run(roomwise.app, "roomwise", ["look", frame, _QUESTION, "--student", pair[0], "--expert", "none"])
        == 0
    )
    printed = capsys.readouterr().out
    assert "rollout" in printed and "▀" not in printed
    out = io.StringIO()
    picture = photo(1)
    one = map_attention(wrapped(*tiny_florence()), picture, _QUESTION)
    show(picture, [one, one], Console(file=out, force_terminal=True, width=70, color_system="truecolor"))
    lines = [line for line in out.getvalue().splitlines() if "▀" in line]
    assert len(lines) > 5 and all(line.count("▀") <= 70 for line in lines)


def test_a_class_token_is_shown_where_a_tower_has_one(tmp_path: Path, frame: str) -> None:
    save_llava(tmp_path)
    words = ["look", frame, "Why?", "--student", str(tmp_path), "--expert", "none", "--json"]
    with pytest.MonkeyPatch.context() as patch:
        said: list[str] = []
        patch.setattr("typer.echo", said.append)
        assert run(roomwise.app, "roomwise", words) == 0
    assert "tower: class token" in said[0]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["--output", "look.jpg"], "ends in .png"),
        (["--layer", "7"], "no layer 7"),
        (["--head", "9"], "no head 9"),
        (["--student", "nowhere"], "no model or folder 'nowhere'"),
    ],
)
def test_what_cannot_be_shown_is_said(
    pair: tuple[str, str], frame: str, wrong: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["look", frame, _QUESTION, "--student", pair[0], "--expert", "none", *wrong]
    assert run(roomwise.app, "roomwise", words) == 2
    assert said in capsys.readouterr().err


def test_a_picture_of_fewer_pixels_than_patches_is_refused(
    pair: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (2, 2)).save(tmp_path / "dot.png")
    words = ["look", str(tmp_path / "dot.png"), _QUESTION, "--student", pair[0], "--expert", "none"]
    assert run(roomwise.app, "roomwise", words) == 2
    assert "2 x 2 pixels, fewer than the 3 x 3 patches" in capsys.readouterr().err


def test_a_map_glows_where_it_is_high_and_keeps_the_frames_size() -> None:
    cells = np.array([[0, 0], [0, 2]], np.float32)
    drawn = np.asarray(draw_heat(Image.new("RGB", (80, 60), (90, 90, 90)), cells), np.float64).sum(-1)
    assert drawn.shape == (60, 80)
    assert drawn[-1, -1] > 2 * drawn[0, 0]
    assert stretch(np.ones((2, 2), np.float32)).max() == 0
    assert shrink(Image.new("RGB", (4000, 1000))).size == (960, 240) and shrink(
        Image.new("RGB", (9, 5))
    ).size == (9, 5)


def test_a_report_shows_where_both_looked(pair: tuple[str, str], tmp_path: Path) -> None:
    about = {"room": "den", "student": pair[0], "expert": "https://elsewhere"}
    with Recorder(tmp_path / "s", about) as recorder:
        frame = recorder.keep(encode(photo(2)), ".jpg")
        recorder.append(
            SessionStarted(at=0, session="s", room="den", student="s", expert="e", warm_up=1, seed=0)
        )
        for turn, words in ((1, "red"), (2, "")):
            recorder.append(Asked(at=0, turn=turn, question=_QUESTION, frame=frame, frame_age_ms=0))
            recorder.append(Routed(at=0, turn=turn, to="student", reason="so"))
            recorder.append(Answered(at=0, turn=turn, by="student", text=words, confidence=0.5, latency_ms=9))
    recording = read_recording(tmp_path / "s")
    summary = summarise(recording.events)
    looks = turn_maps(recording, summary, tmp_path / "adapters")
    assert {turn: list(by) for turn, by in looks.items()} == {1: [pair[0]]}  # the expert is not here
    small = Image.open(io.BytesIO(looks[1][pair[0]]))
    assert max(small.size) <= 152
    page = write_report(recording, summary, tmp_path / "page", looks).read_text()
    assert page.count("<figure>") == 1 and "where the student, as it was at the end" in page
