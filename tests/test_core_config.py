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


_LETTERS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ_", max_size=20)


@given(st.builds("{}__{}".format, _LETTERS, _LETTERS))
def test_no_unknown_variable_passes(name: str) -> None:
    variable = f"ROOMWISE_{name}"
    assume(variable not in map(variable_name, KEYS))
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


@pytest.mark.parametrize(
    "foreign",
    [
        {"ROOMWISE_PORT": "tcp://10.0.0.7:8765", "ROOMWISE_SERVICE_HOST": "10.0.0.7"},
        {"ROOMWISE_EXPERT_PORT_8765_TCP_PROTO": "tcp", "ROOMWISE_EXPERT_SERVICE_PORT_HTTP": "8765"},
        {"ROOMWISE_NAME": "/web/roomwise", "ROOMWISE_ENV_LANG": "C", "ROOMWISE_1_PORT": "tcp://10.0.0.7:1"},
        {"ROOMWISE_VERSION": "0.1"},
    ],
)
def test_variables_of_container_platforms_are_no_settings(foreign: dict[str, str]) -> None:
    assert load_config(env=foreign) == Config()


def test_a_forgotten_underscore_and_a_misspelt_home_are_not_foreign() -> None:
    with pytest.raises(ConfigError, match="Did you mean ROOMWISE_STUDENT__MODEL"):
        load_config(env={"ROOMWISE_STUDENT_MODEL": "x"})
    with pytest.raises(ConfigError, match="Did you mean ROOMWISE_HOME"):
        load_config(env={"ROOMWISE_HOEM": "/data"})


@pytest.mark.parametrize("value", ["{", "[" * 5000, "\udce9", "9" * 5000, "\x00", "true"])
@pytest.mark.parametrize(
    "key", ["student.max_new_tokens", "student.model", "adaptation.seconds", "expert.token"]
)
def test_a_variable_of_any_value_is_taken_or_explained(key: str, value: str) -> None:
    try:
        load_config(env={variable_name(key): value})
    except ConfigError as error:
        assert len(str(error)) < 400


def test_a_byte_order_mark_is_no_part_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "some.toml"
    path.write_bytes(b"\xef\xbb\xbf[student]\nmax_new_tokens = 3\n")
    assert load_config(path, {}).student.max_new_tokens == 3


def test_a_tilde_is_the_home_folder_though_no_shell_made_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/somewhere")
    path = _file(tmp_path, '[camera]\nsource = "~/pictures"\n[student]\nmodel = "~"\n')
    config = load_config(path, {"ROOMWISE_VOICE__WHISPER_FOLDER": "~/whisper"})
    assert config.camera.source == "/somewhere/pictures" and config.student.model == "~"
    assert config.voice.whisper_folder == "/somewhere/whisper"
