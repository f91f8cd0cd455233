"""The typed configuration: `roomwise.toml`, overridden by `ROOMWISE_*`, read once by an entry point.

Sections are tables in the file (`[student]`, `model = "builtin-student"`) and double underscores in the
environment (`ROOMWISE_STUDENT__MODEL`). Unknown keys are refused with the nearest valid name.
"""

import os
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import pydantic
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from core.errors import ConfigError
from core.files import config_dir
from core.sections import (
    FILE_NAME,
    NESTED,
    PREFIX,
    AdaptationConfig,
    AttachConfig,
    CameraConfig,
    ExpertConfig,
    ImagesConfig,
    MemoryConfig,
    NetworkConfig,
    RouterConfig,
    ScreenConfig,
    StudentConfig,
    VoiceConfig,
    variable_name,
)
from core.text import did_you_mean
from core.untrusted import Malformed, check_unicode, parse_toml, read_bytes

# Set for other purposes than configuration.
_OTHER_VARIABLES = frozenset({"ROOMWISE_HOME"})
_MOST_BYTES = 1 << 20


class Config(BaseSettings):
    """Every setting, one section a part of the program."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix=PREFIX, env_nested_delimiter=NESTED
    )

    student: StudentConfig = StudentConfig()
    expert: ExpertConfig = ExpertConfig()
    images: ImagesConfig = ImagesConfig()
    memory: MemoryConfig = MemoryConfig()
    router: RouterConfig = RouterConfig()
    adaptation: AdaptationConfig = AdaptationConfig()
    camera: CameraConfig = CameraConfig()
    voice: VoiceConfig = VoiceConfig()
    attach: AttachConfig = AttachConfig()
    screen: ScreenConfig = ScreenConfig()
    network: NetworkConfig = NetworkConfig()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only constructor arguments: `load_config` reads file and environment."""
        return (init_settings,)


def load_config(path: Path | None = None, env: Mapping[str, str] | None = None) -> Config:
    """Read the configuration: defaults, then the file, then the environment; the last one wins.

    `path` must exist; the default is `find_config`. `env` replaces `os.environ`. Raises ConfigError for
    unknown keys, wrong values and broken TOML, StorageError for an unreadable file.
    """
    file = path if path is not None else find_config()
    from_file = _read_toml(file) if file is not None else {}
    from_env = _read_env(os.environ if env is None else env)
    try:
        return Config(**_merge(from_file, from_env))
    except pydantic.ValidationError as error:
        raise ConfigError(_explain(error)) from error


def find_config() -> Path | None:
    """The file that applies: roomwise.toml in the current folder, else the user's own, else None."""
    candidates = (Path(FILE_NAME), config_dir() / FILE_NAME)
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def fields(
    model: type[pydantic.BaseModel] = Config, prefix: str = ""
) -> Iterator[tuple[str, pydantic.fields.FieldInfo]]:
    """Every setting as its dotted key (`student.model`) and its description."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, pydantic.BaseModel):
            yield from fields(field.annotation, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        table = parse_toml(read_bytes(path, _MOST_BYTES))
    except Malformed as error:
        raise ConfigError(f"{path} is not valid TOML: {error}. Correct it there.") from error
    keys = {key for key, _ in fields()}
    section_names = {key.rpartition(".")[0] for key in keys}
    for key, value in _leaves(table):
        if key in section_names and not isinstance(value, dict):
            raise ConfigError(f"{key!r} in {path} is a section. Write [{key}] and its keys below it.")
        if key not in keys and key not in section_names:
            raise ConfigError(f"Unknown key {key!r} in {path}. {did_you_mean(key, keys)}")
    return table


def _leaves(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _read_env(env: Mapping[str, str]) -> dict[str, Any]:
    variables = {name.upper(): value for name, value in env.items() if name.upper().startswith(PREFIX)}
    names = {variable_name(key) for key, _ in fields()}
    for name in sorted(variables.keys() - _OTHER_VARIABLES - names - foreign_variables(env)):
        raise ConfigError(f"Unknown variable {name}. {did_you_mean(name, names | _OTHER_VARIABLES)}")
    source = EnvSettingsSource(Config, env_prefix=PREFIX, env_nested_delimiter=NESTED)
    source.env_vars = {name.lower(): _value(name, variables[name]) for name in variables.keys() & names}
    try:
        return source()
    except (SettingsError, RecursionError) as error:
        raise ConfigError(f"A ROOMWISE_ variable cannot be read: {error}. Correct it.") from error


def foreign_variables(env: Mapping[str, str]) -> set[str]:
    """Variables named like ours that are none: Kubernetes sets ROOMWISE_PORT for a service called roomwise.

    A forgotten underscore or a misspelt ROOMWISE_HOME is not among them.
    """
    meant = {variable_name(key).replace(NESTED, "_") for key, _ in fields()} | _OTHER_VARIABLES
    ours = {name.upper() for name in env if name.upper().startswith(PREFIX)}
    return {name for name in ours if NESTED not in name and not _is_meant(name, meant)}


def _is_meant(name: str, meant: set[str]) -> bool:
    return name in meant or bool(get_close_matches(name.removeprefix(PREFIX), ["HOME"], cutoff=0.7))


def _value(name: str, value: str) -> str:
    try:
        return check_unicode(value)
    except Malformed as error:
        raise ConfigError(f"{name} cannot be read: {error}. Correct it.") from error


def _merge(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(lower)
    for key, value in upper.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = _merge(result[key], value) if both else value
    return result


def _explain(error: pydantic.ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    return (
        f"{key} cannot be {repr(first['input'])[:80]}: {first['msg']}. "
        f"Correct it in {FILE_NAME} or in {variable_name(key)}."
    )
