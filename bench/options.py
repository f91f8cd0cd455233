"""Options of several commands that take a check or more than a line."""

from pathlib import Path
from typing import Annotated

import typer

from bench.rooms.scene import SPLITS
from core.errors import InputError
from core.text import did_you_mean


def check_split(split: str) -> str:
    """Raises InputError for a name that no rendered rooms have."""
    if split not in SPLITS:
        raise InputError(f"There is no split {split!r}. {did_you_mean(split, SPLITS)}")
    return split


SplitOption = Annotated[str, typer.Option("--split", callback=check_split, help=f"{', '.join(SPLITS)}.")]
SessionsOption = Annotated[
    Path | None, typer.Option("--sessions", help="Folder of session folders, in place of rendered rooms.")
]
TellingOption = Annotated[
    str | None,
    typer.Option(
        "--expert", help="A model, or recorded: what sessions say. Default: what fits, as in replay."
    ),
]
