"""`roomwise replay`: a session from its first question to take-over, in the terminal."""

import json
from pathlib import Path
from typing import Annotated

import typer

from agent.pace import PAUSE
from core.config import NetworkConfig, load_config
from core.extras import load

app = typer.Typer(add_completion=False)
DEMO = Path(__file__).parent / "demo" / "session"


_Speed = Annotated[
    float | None,
    typer.Option(
        "--speed",
        min=0.01,
        help="Keep the pauses between questions, divided by this, and wait for no adaptation. "
        f"{PAUSE:g} s where a session has none. Default: no pauses.",
    ),
]
_Expert = Annotated[
    str | None,
    typer.Option(
        "--expert",
        help='A model, the address of a server, or "recorded": the answers in the session. '
        "Default: expert.model where the session knows the truth, else recorded.",
    ),
]


@app.command()
def replay(
    session: Annotated[
        Path | None,
        typer.Argument(
            help="A session folder: recorded, rendered, or pictures and session.json. Default: a demo."
        ),
    ] = None,
    student: Annotated[str | None, typer.Option("--student", help="Default: student.model.")] = None,
    expert: _Expert = None,
    warm_up: Annotated[int | None, typer.Option("--warm-up", min=0, help="Questions to the expert.")] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Same seed, same answers.")] = 0,
    speed: _Speed = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for memory and recording: new, or to go on in.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--report", help="Folder for report.html and report.json.")
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Make no connection, whatever asks for one.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Play a session again: the expert answers first, the student learns and takes over.

    Example: roomwise replay

    Example: roomwise replay visit --report report

    Example: roomwise replay visit --expert builtin-expert --speed 4

    Example: roomwise replay visit --expert https://expert.example:8765

    Example: roomwise replay visit --expert recorded --json
    """
    config = load_config()
    if offline:
        config = config.model_copy(update={"network": NetworkConfig(offline=True)})
    summary = load("agent.session:replay_session")(
        session if session is not None else DEMO,
        student if student is not None else config.student.model,
        expert,
        config.router.warm_up if warm_up is None else warm_up,
        seed,
        out,
        config,
        report=report,
        speed=speed,
        aside=as_json,
    )
    if as_json:
        typer.echo(json.dumps({"schema": 1, "command": "replay", "seed": seed, **summary.to_dict()}))
