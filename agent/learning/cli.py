"""`roomwise adapt`: let the student learn a room now, or what all rooms taught."""

import json
from contextlib import nullcontext
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from core.config import load_config
from core.errors import InputError
from core.files import state_dir
from core.lazy import say

if TYPE_CHECKING:
    from agent.learning.adapt import Adapted

app = typer.Typer(add_completion=False)


class Where(str, Enum):
    here = "here"
    ray = "ray"


@app.command()
def adapt(
    room: Annotated[
        str | None, typer.Option("--room", help="The room's name; needed where there are several.")
    ] = None,
    home: Annotated[
        bool, typer.Option("--home", help="Learn from all rooms what a new room will begin with.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Same seed, same adapter.")] = 0,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--folder", help="Holds memory/ and adapters/, as a replay's --out does. Default: yours."
        ),
    ] = None,
    on: Annotated[
        Where, typer.Option("--on", help="Learn in a child, or as a task on Ray: RAY_ADDRESS's, or one here.")
    ] = Where.here,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Train an adapter from what is remembered of a room; it answers there if it proves better.

    With --home what all rooms taught is put together, and every later room begins with that.
    Ends with 0 also when the candidate is rejected, and says why.

    Example: roomwise adapt --room kitchen

    Example: roomwise adapt --home

    Example: roomwise adapt --folder demo/run --json

    Example: RAY_ADDRESS=10.0.0.5:6379 roomwise adapt --on ray
    """
    from agent.learning.adapt import adapt, adapt_home
    from agent.learning.jobs import start
    from agent.learning.ray_jobs import on_ray
    from agent.learning.training import TrainingBar

    if home and room is not None:
        raise InputError("Home is of all rooms. Leave out --room, or --home.")
    config = load_config()
    bar = TrainingBar(Console(stderr=True))
    place = folder if folder is not None else state_dir()
    starting = on_ray() if on is Where.ray else nullcontext(start)
    with starting as begin:
        if home:
            adapted = adapt_home(place, seed, config, bar, begin)
        else:
            adapted = adapt(place, room, seed, config, bar, begin)
    if as_json:
        say(json.dumps({"schema": 1, "command": "adapt", "seed": seed, **adapted.to_dict()}))
    else:
        _say(adapted, "" if folder is None else f" (in {folder})")


def _say(adapted: "Adapted", where: str) -> None:
    pairs = f"{adapted.pairs} pairs, {adapted.held_out} of them held out"
    say(f"{adapted.room}: {pairs}, {adapted.seconds:.0f} s.")
    if adapted.adapter is None:
        say(f"Rejected: {adapted.reason} What answered before still does{where}.")
    else:
        back = "" if where else f" To go back: roomwise adapters rollback {adapted.room}"
        say(f"Promoted: {adapted.reason} Adapter {adapted.adapter} answers from now on{where}.{back}")
