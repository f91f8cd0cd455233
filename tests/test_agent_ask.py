"""`roomwise ask` from its arguments to its exit code, on a tiny saved model."""

import json
from pathlib import Path

import pytest
from tiny_models import photo, tiny_florence

import roomwise
from bench.pretrain.blueprint import save_model
from core.lazy import run
from models.registry import load_model, model_folder

QUESTION = "What colour is the sofa?"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    saved = tmp_path_factory.mktemp("models") / "tiny"
    save_model(*tiny_florence(), saved)
    return saved


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    photo().save(tmp_path / "picture.png")
    return tmp_path / "picture.png"


def ask(*args: object) -> int:
    return run(roomwise.app, "roomwise", ["ask", *map(str, args)])


def refused(capsys: pytest.CaptureFixture[str], *args: object) -> str:
    """The one line on stderr of a question that is refused."""
    assert ask(*args) == 2
    captured = capsys.readouterr()
    assert not captured.out
    assert captured.err.startswith("roomwise: ") and captured.err.count("\n") == 1
    return captured.err


def test_prints_answer_and_confidence(
    folder: Path, picture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(picture, QUESTION, "--model", folder) == 0
    expected = load_model(str(folder)).answer(photo(), QUESTION)
    assert capsys.readouterr().out == f"{expected.text}  (confidence {expected.confidence:.2f})\n"


def test_json_is_one_object(folder: Path, picture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(picture, QUESTION, "--model", folder, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said.keys() == {"model", "answer", "confidence"}
    assert 0 <= said["confidence"] <= 1


def test_model_and_limits_come_from_the_configuration(
    folder: Path, picture: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ROOMWISE_STUDENT__MODEL", str(folder))
    monkeypatch.setenv("ROOMWISE_STUDENT__MAX_NEW_TOKENS", "1")
    assert ask(picture, QUESTION, "--json") == 0
    expected = load_model(str(folder)).answer(photo(), QUESTION, 1)
    assert json.loads(capsys.readouterr().out)["answer"] == expected.text
    monkeypatch.setenv("ROOMWISE_IMAGES__MAX_PIXELS", "100")
    assert "100 allowed" in refused(capsys, picture, QUESTION)
    monkeypatch.setenv("ROOMWISE_IMAGES__MAX_PIXEL", "100")
    assert "ROOMWISE_IMAGES__MAX_PIXELS" in refused(capsys, picture, QUESTION)


@pytest.mark.parametrize("question", ["", "   ", "\x00\x1b\x07", "\u200b\u202e"])
def test_an_empty_question_is_refused(
    question: str, folder: Path, picture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "empty" in refused(capsys, picture, question, "--model", folder)


def test_a_question_of_100_kb_is_refused_before_anything_is_loaded(
    picture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    message = refused(capsys, picture, "why " * 25_000, "--model", "no such model")
    assert "Ask in at most" in message


def test_control_characters_do_not_change_the_answer(
    folder: Path, picture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = []
    for question in (QUESTION, "\x1b[0m\x00 What\tcolour\r\nis the \x07sofa?".replace("[0m", "")):
        assert ask(picture, question, "--model", folder) == 0
        answers.append(capsys.readouterr().out)
    assert answers[0] == answers[1]


def test_bad_images_are_refused_before_the_model_is_loaded(
    tmp_path: Path, picture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.jpg").write_text("not an image")
    (tmp_path / "cut.png").write_bytes(picture.read_bytes()[:-200])
    for name, message in (("notes.jpg", "not an image"), ("cut.png", "damaged"), ("none.jpg", "No image")):
        assert message in refused(capsys, tmp_path / name, QUESTION, "--model", "no such model")


def test_an_unknown_model_lists_the_nearest(picture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "builtin-expert" in refused(capsys, picture, QUESTION, "--model", "builtin-exprt")
    assert "Known" in refused(capsys, picture, QUESTION, "--model", "")


def test_damaged_weights_are_refused(
    folder: Path, picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    for file in folder.iterdir():
        (damaged / file.name).write_bytes(file.read_bytes())
    weights = damaged / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-10])
    assert "damaged" in refused(capsys, picture, QUESTION, "--model", damaged)


@pytest.mark.parametrize("name", ["builtin-student", "builtin-expert"])
def test_the_built_in_models_answer(name: str, picture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    package = Path(roomwise.__file__).parent / "models" / "builtin" / name.removeprefix("builtin-")
    if not package.is_dir():
        pytest.skip(f"the weights of {name} are not in this checkout yet")
    assert model_folder(name) == package
    assert ask(picture, QUESTION, "--model", name) == 0
    assert "confidence" in capsys.readouterr().out
