"""`roomwise replay`: a session from its first question to take-over, in the terminal."""

import json
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from agent.recording.visit import DEMO, TWO_ROOMS
from agent.replay.pace import PAUSE
from core.config import load_config
from core.errors import InputError
from core.extras import load, require
from core.files import state_dir
from core.lazy import say
from core.sections import NetworkConfig

app = typer.Typer(add_completion=False)


_Session = Annotated[
    Path | None,
    typer.Argument(
        help="A session folder: recorded, rendered, or pictures and session.json; or a recording's name. "
        "Default: a demo."
    ),
]
_Out = Annotated[
    Path | None, typer.Option("--out", help="Folder for memory and recording: new, or to go on in.")
]
_Dashboard = Annotated[
    bool, typer.Option("--dashboard", help="Show a recording as it was, and have nothing answered anew.")
]
_FromAudio = Annotated[
    bool,
    typer.Option(
        "--from-audio", help="Hear spoken questions anew, by voice activity and Whisper. Extra: voice."
    ),
]
_Speed = Annotated[
    float | None,
    typer.Option(
        "--speed",
        min=0.0,
        help="Keep the pauses between questions, divided by this, and wait for no adaptation. "
        f"{PAUSE:g} s where a session has none. Default, and 0: no pauses; in the dashboard 1.",
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


_Report = Annotated[Path | None, typer.Option("--report", help="Folder for report.html and report.json.")]
_OneRoom = Annotated[
    bool, typer.Option("--one-room", help="Play it again with all rooms taken for one, and compare.")
]


@app.command()
def replay(
    context: typer.Context,
    session: _Session = None,
    student: Annotated[str | None, typer.Option("--student", help="Default: student.model.")] = None,
    expert: _Expert = None,
    warm_up: Annotated[int | None, typer.Option("--warm-up", min=0, help="Questions to the expert.")] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Same seed, same answers.")] = 0,
    speed: _Speed = None,
    out: _Out = None,
    report: _Report = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Make no connection, whatever asks for one.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    dashboard: _Dashboard = False,
    from_audio: _FromAudio = False,
    one_room: _OneRoom = False,
) -> None:
    """Play a session again: the expert answers first, the student learns and takes over.

    Example: roomwise replay

    Example: roomwise replay visit --report report

    Example: roomwise replay visit --expert builtin-expert --speed 4

    Example: roomwise replay visit --expert https://expert.example:8765

    Example: roomwise replay visit --expert recorded --json

    Example: roomwise replay run/session --from-audio

    Example: roomwise replay two-rooms --one-room --report rooms

    Example: roomwise replay run/session --dashboard --speed 4
    """
    if dashboard:
        if any((student, expert, warm_up is not None, out, report, as_json, from_audio, one_room)):
            raise InputError("A dashboard answers nothing anew. Leave the other options out, but --speed.")
        _show(session, 1.0 if speed is None else speed, context.obj["screen"])
        return
    from agent.replay.session import ReplayOptions, replay_session

    config = load_config()
    if offline:
        config = config.model_copy(update={"network": NetworkConfig(offline=True)})
    options = ReplayOptions(
        session=DEMO if session is None else _locate_session(session),
        student=student if student is not None else config.student.model,
        expert=expert, warm_up=config.router.warm_up if warm_up is None else warm_up, seed=seed, out=out,
        report=report, speed=speed or None, aside=as_json, from_audio=from_audio, one_room=one_room,
    )  # fmt: skip
    summary = replay_session(options, config)
    if as_json:
        say(json.dumps({"schema": 1, "command": "replay", "seed": seed, **summary.to_dict()}))


def _locate_session(session: Path) -> Path:
    """A folder, or that of the demo or recording of this name."""
    from agent.sessions.sessions import locate

    if str(session) == TWO_ROOMS and not session.is_dir():
        return DEMO.parent / TWO_ROOMS
    return session if session.is_dir() else locate(str(session), state_dir())


def _show(session: Path | None, speed: float, screen: str) -> None:
    """A recording in the dashboard. Raises InputError for a session that was not recorded yet."""
    from agent.recording.record import read_recording
    from agent.sessions.replayed import ReplayedConsole

    require("textual", "tui")
    if session is None or not ((folder := _locate_session(session)) / "events.jsonl").is_file():
        name = "the demo" if session is None else session
        again = "" if session is None else f" {session}"
        raise InputError(f"Nothing has happened in {name} yet. Record it: roomwise replay{again} --out run")
    recording = read_recording(folder)
    with closing(ReplayedConsole(recording, speed, state_dir())) as console:
        load(screen)(console)
