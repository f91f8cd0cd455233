from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core.config import Config, fields, find_config, load_config
from core.errors import ConfigError, StorageError
from core.sections import variable_name

KEYS = [key for key, _ in fields()]


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "some.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults() -> None:
    config = load_config(env={})
    assert config.student.model == "builtin-student"
    assert config.expert.model == "builtin-expert"
    assert config == Config()


def test_the_environment_wins_over_the_file_and_the_file_over_defaults(tmp_path: Path) -> None:
    path = _file(tmp_path, '[student]\nmodel = "mine"\nmax_new_tokens = 7\n')
    config = load_config(path, {"ROOMWISE_STUDENT__MAX_NEW_TOKENS": "9", "PATH": "/bin"})
    assert (config.student.model, config.student.max_new_tokens) == ("mine", 9)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[student]\nmodle = 'x'", r"Unknown key 'student\.modle' in .*Did you mean student\.model"),
        ("[studnet]\nmodel = 'x'", r"'studnet\.model'.*Did you mean student\.model"),
        ("student = 3", r"'student' .*is a section"),
        (
            "[student]\nmax_new_tokens = 0",
            r"student\.max_new_tokens cannot be 0: .*greater than or equal to 1",
        ),
        ("[student\n", "not valid TOML"),
        ("[nothing]", "Unknown key 'nothing'"),
    ],
)
def test_a_wrong_file_is_refused_with_the_remedy(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config(_file(tmp_path, text), {})


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "binary.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not valid TOML"):
        load_config(path, {})


def test_a_file_that_was_named_must_exist(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no such file"):
        load_config(tmp_path / "gone.toml", {})


@given(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ_", min_size=1, max_size=30))
def test_no_unknown_variable_passes(name: str) -> None:
    variable = f"ROOMWISE_{name}"
    assume(variable not in {"ROOMWISE_HOME", *map(variable_name, KEYS)})
    with pytest.raises(ConfigError, match="Unknown variable"):
        load_config(env={variable: "1"})


@pytest.mark.parametrize("key", KEYS)
def test_every_setting_is_described_and_a_slip_in_its_name_is_put_right(key: str) -> None:
    assert dict(fields())[key].description
    variable = variable_name(key)
    with pytest.raises(ConfigError, match=f"Did you mean {variable}"):
        load_config(env={variable[:-2] + variable[-1]: "1"})


def test_the_current_folder_comes_before_the_users_own(tmp_path: Path, isolated: Path) -> None:
    assert find_config() is None
    (isolated / "roomwise.toml").write_text("[student]\nmax_new_tokens = 3\n")
    assert load_config(env={}).student.max_new_tokens == 3
    (tmp_path / "roomwise.toml").write_text("[student]\nmax_new_tokens = 4\n")
    assert load_config(env={}).student.max_new_tokens == 4
