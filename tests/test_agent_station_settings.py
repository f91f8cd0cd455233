"""Settings as a screen shows them: where each comes from."""

from pathlib import Path

import pytest

from agent.station.looks import settings_of
from core.config import Config, load_config


def test_a_setting_says_where_it_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    usual = Config().router.warm_up
    (tmp_path / "roomwise.toml").write_text(f'[router]\nwarm_up = {usual}\n[expert]\ntoken = "hush"\n')
    env = {"ROOMWISE_STUDENT__MAX_NEW_TOKENS": "7"}
    shown = {one.name: one for one in settings_of(load_config(tmp_path / "roomwise.toml", env), env)}
    assert shown["router.warm_up"].origin.endswith("roomwise.toml"), "set, be it to what it would be anyway"
    assert shown["student.max_new_tokens"].origin == "ROOMWISE_STUDENT__MAX_NEW_TOKENS"
    assert shown["student.max_new_tokens"].value == "7"
    assert shown["router.scope"].origin == "default"
    assert "hush" not in {one.value for one in shown.values()}
