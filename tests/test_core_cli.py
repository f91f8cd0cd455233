from pathlib import Path

import pytest

import roomwise
from core.config import Config, load_config
from core.lazy import run


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _roomwise(*args: str) -> int:
    return run(roomwise.app, "roomwise", args)


def test_what_init_writes_is_the_defaults(isolated: Path) -> None:
    assert _roomwise("config", "init") == 0
    assert load_config(isolated / "roomwise.toml", {}) == Config()


def test_what_show_prints_can_be_read_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ROOMWISE_STUDENT__MODEL", 'C:\\models "é" 🛋')
    assert _roomwise("config", "show") == 0
    copy = tmp_path / "copy.toml"
    copy.write_text(capsys.readouterr().out, encoding="utf-8")
    assert load_config(copy, {}).student.model == 'C:\\models "é" 🛋'


def test_init_replaces_nothing_unless_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert _roomwise("config", "init", "--here") == 0
    Path("roomwise.toml").write_text("[expert]\nmodel = 'mine'\n")
    assert _roomwise("config", "init", "--here") == 2
    assert "--force" in capsys.readouterr().err
    assert load_config(env={}).expert.model == "mine"
    assert _roomwise("config", "init", "--here", "--force") == 0
    assert load_config(env={}) == Config()


def test_path_names_the_file_that_applies(capsys: pytest.CaptureFixture[str]) -> None:
    assert _roomwise("config", "path") == 0
    assert "not there yet" in capsys.readouterr().out
    Path("roomwise.toml").touch()
    assert _roomwise("config", "path") == 0
    assert capsys.readouterr().out == f"{Path('roomwise.toml').resolve()}\n"


def test_an_unknown_key_ends_the_command_with_two(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ROOMWISE_STUDENT__MODLE", "x")
    assert _roomwise("config", "show") == 2
    assert "Did you mean ROOMWISE_STUDENT__MODEL" in capsys.readouterr().err
