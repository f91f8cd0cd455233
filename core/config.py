"""The typed configuration: `roomwise.toml`, overridden by `ROOMWISE_*`, read once by an entry point.

Sections become tables in the file (`[student]`, `model = "builtin-student"`) and double underscores
in the environment (`ROOMWISE_STUDENT__MODEL`). Unknown keys are refused with the nearest valid
name, so a typing error can never pass as a default.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pydantic
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from core.errors import ConfigError
from core.files import config_dir, storage_errors
from core.text import did_you_mean

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE_NAME = "roomwise.toml"
_PREFIX = "ROOMWISE_"
_NESTED = "__"
# Set for other purposes than configuration.
_OTHER_VARIABLES = frozenset({"ROOMWISE_HOME"})


class _Section(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class StudentConfig(_Section):
    """The small model on the device."""

    model: str = "builtin-student"
    """Name of a model, or a folder in the hub's layout."""

    max_new_tokens: int = pydantic.Field(default=24, ge=1, le=1024)
    """Longest answer, in tokens."""


class ExpertConfig(_Section):
    """The large model that answers first."""

    model: str = "builtin-expert"
    """Name of a model, a folder in the hub's layout, or the address of an expert on another machine: that of
    a Roomwise expert, https://HOST:PORT, or of a server that speaks as OpenAI's does, https://HOST/v1."""

    looks: int = pydantic.Field(default=5, ge=1, le=5)
    """How often it looks at each frame: the whole, then nearer from up to four corners; its answers are put
    to the vote. Each look takes as long as the first."""

    extra: int = pydantic.Field(default=400, ge=0, le=10_000)
    """How many questions of its own the agent may put to the expert in a session, about frames that a person
    asked about: an equal part of them after each question of the warm-up. Every one is a call."""

    remote_model: str = ""
    """The name that a server at an address ending in /v1 serves the expert by."""

    token: pydantic.SecretStr = pydantic.SecretStr("")
    """What the server at an address asks for, if anything. Better set by the variable than in the file."""

    connect_seconds: float = pydantic.Field(default=2.0, gt=0, le=60)
    """The longest wait for a connection to an address."""

    seconds: float = pydantic.Field(default=20.0, gt=0, le=3600)
    """The longest wait for an answer from an address, all attempts together."""

    max_calls: int = pydantic.Field(default=0, ge=0)
    """So many questions are put to an address, then no more. 0: no limit."""

    max_bytes: int = pydantic.Field(default=0, ge=0)
    """So many bytes, sent and received, go to and from an address, then no more. 0: no limit."""

    allow_distillation: bool = False
    """Whether the student may learn from answers of a server at an address ending in /v1. Its terms must
    permit that; before this is true its answers are said and forgotten."""

    plain_http: bool = False
    """Whether frames and token may go unencrypted to other machines, to an address beginning with http://."""

    @pydantic.field_validator("token", mode="before")
    @classmethod
    def _text(cls, value: object) -> object:
        """Refused here and not by its type, since that message would show it."""
        if not isinstance(value, str | pydantic.SecretStr):
            raise ConfigError(
                f"expert.token is not a text. Put it in quotes in {FILE_NAME}, or set ROOMWISE_EXPERT__TOKEN."
            )
        return value


class ImagesConfig(_Section):
    """What counts as a picture that can be answered about."""

    max_pixels: int = pydantic.Field(default=50_000_000, ge=1)
    """Larger pictures are refused before they are decoded; width times height."""


class MemoryConfig(_Section):
    """What was said before, and when it is said again."""

    same_question: float = pydantic.Field(default=0.85, ge=-1, le=1)
    """Questions at least so alike, about the same things in the same order, are one question."""

    same_view: float = pydantic.Field(default=0.9, ge=-1, le=1)
    """Frames at least so alike show practically the same view."""

    question_weight: float = pydantic.Field(default=0.5, ge=0, le=1)
    """How much the question counts beside the view when pairs are searched by both."""


class RouterConfig(_Section):
    """Who answers."""

    warm_up: int = pydantic.Field(default=10, ge=0, le=1000)
    """The first questions of a session, all answered by the expert."""

    agreement: float = pydantic.Field(default=0.0, ge=0, le=1)
    """After the warm-up, of the answers that the student gives at least this share is to be what the expert
    would say; where that cannot be expected the expert is asked. 0: never asked; 1: always."""

    scope: float = pydantic.Field(default=0.75, ge=-1, le=1)
    """Questions at least so alike to one that a person asked and the adapter was taught are its own; others
    the student answers without it, since what it learnt would only lead it astray. -1: all are,"""

    scope_view: float = pydantic.Field(default=0.45, ge=-1, le=1)
    """if they are about a view at least so alike."""

    known_view: float = pydantic.Field(default=0.6, ge=-1, le=1)
    """Views at least so alike to one of which the adapter was taught much are its own, whatever is asked."""


class AdaptationConfig(_Section):
    """When and how long the student learns from the expert's answers."""

    least_pairs: int = pydantic.Field(default=4, ge=1)
    """With fewer pairs of a room there is nothing to learn from."""

    again_after: int = pydantic.Field(default=5, ge=1)
    """So many new pairs later it learns again."""

    seconds: float = pydantic.Field(default=120.0, gt=0)
    """The longest an adaptation may take."""

    home_seconds: float = pydantic.Field(default=600.0, gt=0)
    """The longest it may take to consolidate what all rooms taught into what a new room begins with."""


class NetworkConfig(_Section):
    """Other machines."""

    offline: bool = False
    """No connection is made, whatever asks for one."""


class Config(BaseSettings):
    """Every setting, one section a part of the program."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix=_PREFIX, env_nested_delimiter=_NESTED
    )

    student: StudentConfig = StudentConfig()
    expert: ExpertConfig = ExpertConfig()
    images: ImagesConfig = ImagesConfig()
    memory: MemoryConfig = MemoryConfig()
    router: RouterConfig = RouterConfig()
    adaptation: AdaptationConfig = AdaptationConfig()
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
        """Only what is passed in: `load_config` reads file and environment, so no input is hidden."""
        return (init_settings,)


def load_config(path: Path | None = None, env: Mapping[str, str] | None = None) -> Config:
    """Read the configuration: defaults, then the file, then the environment; the last one wins.

    `path` must exist when given; otherwise `find_config` decides. `env` stands in for
    `os.environ`. Raises ConfigError for unknown keys, wrong values and broken TOML, StorageError
    when the file cannot be read.
    """
    found = path if path is not None else find_config()
    from_file = _read_toml(found) if found is not None else {}
    from_env = _read_env(os.environ if env is None else env)
    try:
        return Config(**_merged(from_file, from_env))
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
    with storage_errors("read", path):
        data = path.read_bytes()
    try:
        table = tomllib.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}. Correct it there.") from error
    known = {key for key, _ in fields()}
    sections = {key.rpartition(".")[0] for key in known}
    for key, value in _leaves(table):
        if key in sections and not isinstance(value, dict):
            raise ConfigError(f"{key!r} in {path} is a section. Write [{key}] and its keys below it.")
        if key not in known and key not in sections:
            raise ConfigError(f"Unknown key {key!r} in {path}. {did_you_mean(key, known)}")
    return table


def _leaves(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _read_env(env: Mapping[str, str]) -> dict[str, Any]:
    ours = {name.upper(): value for name, value in env.items() if name.upper().startswith(_PREFIX)}
    known = {variable_name(key) for key, _ in fields()}
    for name in sorted(ours.keys() - _OTHER_VARIABLES - known):
        raise ConfigError(f"Unknown variable {name}. {did_you_mean(name, known | _OTHER_VARIABLES)}")
    source = EnvSettingsSource(Config, env_prefix=_PREFIX, env_nested_delimiter=_NESTED)
    source.env_vars = {name.lower(): value for name, value in ours.items()}
    return source()


def variable_name(key: str) -> str:
    """The environment variable of a dotted key: student.model -> ROOMWISE_STUDENT__MODEL."""
    return _PREFIX + key.replace(".", _NESTED).upper()


def _merged(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(lower)
    for key, value in upper.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = _merged(result[key], value) if both else value
    return result


def _explain(error: pydantic.ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    return (
        f"{key} cannot be {first['input']!r}: {first['msg']}. "
        f"Correct it in {FILE_NAME} or in {variable_name(key)}."
    )
