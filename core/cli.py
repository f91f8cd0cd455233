"""`roomwise config`: the settings as they apply, the file they come from, and a first file."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import pydantic
import typer

from core.config import Config, find_config, load_config
from core.errors import StorageError
from core.files import atomic_write_text, config_dir
from core.lazy import say
from core.sections import FILE_NAME, variable_name

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def config() -> None:
    """Settings: roomwise.toml here or in your own folder, then ROOMWISE_* variables.

    Example: roomwise config show
    """


@app.command()
def show() -> None:
    """Print every setting as it applies now, in the form of the file.

    Example: ROOMWISE_STUDENT__MAX_NEW_TOKENS=8 roomwise config show
    """
    say("\n".join(_as_toml(load_config())))


@app.command()
def path() -> None:
    """Print which file applies, or where one of yours would be read from.

    Example: roomwise config path
    """
    file = find_config()
    say(str(file.resolve()) if file else f"{config_dir() / FILE_NAME} (not there yet: roomwise config init)")


@app.command()
def init(
    here: Annotated[bool, typer.Option("--here", help=f"Write ./{FILE_NAME} instead of your own.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write a file with every setting at its default, explained.

    Example: roomwise config init --here
    """
    target = (Path() if here else config_dir()) / FILE_NAME
    if target.exists() and not force:
        raise StorageError(f"{target} is there already. Edit it, or replace it with --force.")
    atomic_write_text(target, "\n".join(_as_toml(Config())) + "\n")
    say(str(target.resolve()))


def _as_toml(config: Config) -> Iterator[str]:
    for number, (name, field) in enumerate(Config.model_fields.items()):
        if number:
            yield ""
        section = getattr(config, name)
        yield f"# {(type(section).__doc__ or field.description or '').strip()}"
        yield f"[{name}]"
        yield from _section_lines(name, section)


def _section_lines(name: str, section: pydantic.BaseModel) -> Iterator[str]:
    for key, field in type(section).model_fields.items():
        described = " ".join((field.description or "").split())
        yield f"# {described} ({variable_name(f'{name}.{key}')})"
        value = getattr(section, key)
        if isinstance(value, pydantic.SecretStr):
            yield from ["# It is set, but never shown."] if value.get_secret_value() else []
            value = ""
        # A JSON string is a TOML string as long as characters beyond the first plane stay themselves.
        yield f"{key} = {json.dumps(value, ensure_ascii=False)}"
