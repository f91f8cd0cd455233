"""Options that several benches and studies have, each written once."""

from pathlib import Path
from typing import Annotated

import typer

from bench.rooms.world.scene import SPLITS
from core.errors import InputError
from core.text import did_you_mean


def check_split(split: str) -> str:
    """Raises InputError for a name that no rendered rooms have."""
    if split not in SPLITS:
        guess = did_you_mean(split, SPLITS)
        raise InputError(f"There is no split {split!r}. {guess} There are train, validation or test.")
    return split


Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Student = Annotated[str, typer.Option("--student", help="A model's name or folder.")]
Expert = Annotated[str, typer.Option("--expert", help="A model's name or folder.")]
Split = Annotated[str, typer.Option("--split", callback=check_split, help=f"{', '.join(SPLITS)}.")]
Rooms = Annotated[int, typer.Option("--rooms", min=1, help="Rendered rooms.")]
HeldOutRooms = Annotated[int, typer.Option("--rooms", min=4, help="Held-out rooms of twenty questions.")]
RoomJobs = Annotated[int, typer.Option("--jobs", min=1, help="Rooms at a time.")]
RenderJobs = Annotated[int, typer.Option("--jobs", min=1, help="Processes that render.")]
Threads = Annotated[int, typer.Option("--threads", min=1, help="Of the processor.")]
Sessions = Annotated[
    Path | None, typer.Option("--sessions", help="Folder of session folders, in place of rendered rooms.")
]
ReplayExpert = Annotated[
    str | None,
    typer.Option(
        "--expert", help="A model, or recorded: what sessions say. Default: what fits, as in replay."
    ),
]
ReplaySeed = Annotated[int, typer.Option("--seed", min=0, help="Of adapting, and of the intervals.")]
