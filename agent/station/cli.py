"""`roomwise run`: a session in a room, with its dashboard or as a service."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from core.config import load_config
from core.extras import load, require

app = typer.Typer(add_completion=False)

_Source = Annotated[
    str | None,
    typer.Option(
        "--source",
        help="What is seen: 0, csi:0, rtsp://HOST/PATH, a video, a folder of pictures, a recorded session, "
        "demo. Default: camera.source.",
    ),
]
_Listen = Annotated[
    Literal["key", "open", "off"] | None,
    typer.Option("--listen", help="When the microphone is listened to. Default: voice.listen."),
]
_Port = Annotated[
    int | None,
    typer.Option(
        "--port", min=1, max=65535, help="Let dashboards on other machines attach here, with attach.token."
    ),
]


@app.command()
def run(
    context: typer.Context,
    room: Annotated[
        str | None,
        typer.Option("--room", help="The room's name. Default: the agent looks which room this is."),
    ] = None,
    source: _Source = None,
    student: Annotated[str | None, typer.Option("--student", help="Default: student.model.")] = None,
    expert: Annotated[
        str | None, typer.Option("--expert", help="A model or an address. Default: expert.model.")
    ] = None,
    listen: _Listen = None,
    speak: Annotated[
        bool | None, typer.Option("--speak/--no-speak", help="Speak answers. Default: voice.speak.")
    ] = None,
    record: Annotated[bool, typer.Option("--record/--no-record", help="Keep the session on disk.")] = True,
    headless: Annotated[
        bool, typer.Option("--headless", help="No dashboard: serve until SIGTERM or Ctrl-C.")
    ] = False,
    port: _Port = None,
    host: Annotated[
        str, typer.Option("--host", help="With --port: where to listen; beyond this machine with TLS.")
    ] = "127.0.0.1",
    tls_cert: Annotated[Path | None, typer.Option("--tls-cert", help="PEM file of the certificate.")] = None,
    tls_key: Annotated[Path | None, typer.Option("--tls-key", help="PEM file of its key.")] = None,
) -> None:
    """Answer questions about what the camera sees; the expert begins, the student learns and takes over.

    Example: roomwise run --source demo

    Example: roomwise run --room kitchen --listen open --speak

    Example: roomwise run --headless --port 8770 --host 0.0.0.0 --tls-cert c.pem --tls-key k.pem
    """
    config = load_config()
    changes = {
        "camera.source": source, "student.model": student, "expert.model": expert,
        "voice.listen": None if listen == "off" else listen, "voice.speak": speak,
    }  # fmt: skip
    if not headless:
        require("textual", "tui")
    from agent.station.run import RunOptions, apply_changes, run

    plan = RunOptions(
        room=room, config=apply_changes(config, changes), listen=listen != "off", record=record,
        host=host, port=port, certificate=tls_cert, key=tls_key,
    )  # fmt: skip
    show = None if headless else load(context.obj["screen"])
    run(plan, show)
