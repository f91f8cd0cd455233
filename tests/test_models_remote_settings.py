from pathlib import Path

import pytest

import roomwise
from core.config import Config, load_config
from core.errors import ConfigError
from core.lazy import run
from core.sections import ExpertConfig

TOKEN = "swordfish-0123456789"


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_show_prints_no_token(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("ROOMWISE_EXPERT__TOKEN", TOKEN)
    assert run(roomwise.app, "roomwise", ["config", "show"]) == 0
    shown = capsys.readouterr().out
    assert TOKEN not in shown
    assert "# It is set, but never shown.\n" in shown
    assert 'token = ""\n' in shown


def test_show_says_nothing_of_a_token_that_is_not_set(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(roomwise.app, "roomwise", ["config", "show"]) == 0
    shown = capsys.readouterr().out
    assert "It is set" not in shown
    assert 'token = ""\n' in shown


def test_init_writes_no_token(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ROOMWISE_EXPERT__TOKEN", TOKEN)
    assert run(roomwise.app, "roomwise", ["config", "init", "--here"]) == 0
    written = (tmp_path / "roomwise.toml").read_text(encoding="utf-8")
    assert TOKEN not in written + capsys.readouterr().out
    assert load_config(tmp_path / "roomwise.toml", {}) == Config()


@pytest.mark.parametrize("text", [TOKEN, "12345678", "true", '{"a": 1}'])
def test_a_token_is_read_as_it_stands_and_hidden_in_what_is_printed_or_kept(text: str) -> None:
    config = load_config(env={"ROOMWISE_EXPERT__TOKEN": text})
    assert config.expert.token.get_secret_value() == text
    # Of the section alone: other settings are true, too.
    section = config.expert
    assert text not in f"{section!r} {section} {section.model_dump(mode='json')} {section.model_dump_json()}"
    assert repr(section) in repr(config) and section.model_dump_json() in config.model_dump_json()


@pytest.mark.parametrize(
    "value", ["31415926535", "31415926535.5", "['31415926535']", "{a = '31415926535'}", "true"]
)
def test_a_token_that_is_no_text_is_refused_unseen(tmp_path: Path, value: str) -> None:
    path = tmp_path / "some.toml"
    path.write_text(f"[expert]\ntoken = {value}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(path, {})
    assert "31415926535" not in str(caught.value)
    assert "expert.token" in str(caught.value)


def test_nothing_is_sent_unasked() -> None:
    settings = ExpertConfig()
    assert settings.model == "builtin-expert"
    assert not settings.allow_distillation
    assert not settings.plain_http
    assert not Config().network.offline


@pytest.mark.parametrize("key", ["CONNECT_SECONDS", "SECONDS", "MAX_CALLS", "MAX_BYTES"])
@pytest.mark.parametrize("value", ["-1", "nan", "inf"])
def test_limits_are_numbers_that_can_be_kept(key: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"expert.{key.lower()} cannot be"):
        load_config(env={f"ROOMWISE_EXPERT__{key}": value})
