"""`roomwise dash`: the dashboard of an agent that runs in another process, here or elsewhere."""

from pathlib import Path
from typing import Annotated

import typer

from core.config import load_config
from core.extras import load, require

app = typer.Typer(add_completion=False)


@app.command()
def dash(
    context: typer.Context,
    address: Annotated[
        str, typer.Argument(help="HOST:PORT, or the path of a socket. Default: the agent on this machine.")
    ] = "",
    authority: Annotated[
        Path | None,
        typer.Option("--tls-ca", help="PEM file to trust, where the agent's certificate is its own."),
    ] = None,
) -> None:
    """Open the dashboard of a running agent. Closing it changes nothing there; several may be open.

    The token for HOST:PORT is taken from ROOMWISE_ATTACH__TOKEN, never from an option, that others could see.

    Example: roomwise dash

    Example: ROOMWISE_ATTACH__TOKEN=... roomwise dash robot.example:8770 --tls-ca cert.pem
    """
    from agent.attach.client import Attached
    from agent.attach.place import place_of

    config = load_config()
    require("textual", "tui")
    place = place_of(address, config, authority)
    with Attached(place) as console:
        load(context.obj["screen"])(console)
