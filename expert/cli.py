"""`roomwise expert`: put an expert on this machine, for devices elsewhere."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.config import load_config
from core.errors import InputError
from core.extras import require

if TYPE_CHECKING:
    from expert.scale import Replicas
    from expert.serve import ServerOptions

app = typer.Typer(no_args_is_help=True, add_completion=False)
_LIBRARIES = ("fastapi", "uvicorn", "python_multipart", "prometheus_client")


@app.callback()
def expert() -> None:
    """A large model for many devices.

    Example: roomwise expert serve
    """


@app.command()
def serve(
    model: Annotated[
        str | None, typer.Option("--model", help="A model's name or folder. Default: expert.model.")
    ] = None,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; beyond this machine a token is needed.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535)] = 8765,
    looks: Annotated[
        int | None, typer.Option("--looks", min=1, max=5, help="Looks at each frame. Default: expert.looks.")
    ] = None,
    batch: Annotated[int, typer.Option("--batch", min=1, help="Questions answered together at most.")] = 32,
    queue: Annotated[int, typer.Option("--queue", min=1, help="Questions that may wait.")] = 256,
    rate: Annotated[
        float, typer.Option("--rate", min=0, help="Requests a second of one client; 0: as many as come.")
    ] = 50.0,
    distillation: Annotated[
        bool, typer.Option("--distillation/--no-distillation", help="Whether devices may learn from it.")
    ] = True,
    tls_cert: Annotated[Path | None, typer.Option("--tls-cert", help="PEM file of the certificate.")] = None,
    tls_key: Annotated[Path | None, typer.Option("--tls-key", help="PEM file of its key.")] = None,
    transfer: Annotated[
        Path | None,
        typer.Option("--transfer", help="An autoencoder's folder that devices have as well: codes for maps."),
    ] = None,
    ray: Annotated[bool, typer.Option("--ray", help="Serve with several replicas, on Ray.")] = False,
    replicas: Annotated[
        int, typer.Option("--replicas", min=1, help="With --ray: how many there are, each with the model.")
    ] = 1,
    most_replicas: Annotated[
        int | None,
        typer.Option(
            "--most-replicas", min=1, help="With --ray: up to how many under load. Default: no more."
        ),
    ] = None,
) -> None:
    """Serve answers and teacher signals over HTTP until interrupted.

    The token is taken from ROOMWISE_EXPERT__TOKEN, never from an option, which others could see.

    Example: roomwise expert serve --model builtin-expert --port 8765

    Example: ROOMWISE_EXPERT__TOKEN=... roomwise expert serve --host 0.0.0.0 --tls-cert c.pem --tls-key k.pem

    Example: roomwise expert serve --ray --replicas 2 --most-replicas 4
    """
    most = replicas if most_replicas is None else most_replicas
    _check_replicas(ray, replicas, most)
    settings = load_config().expert
    for name in _LIBRARIES:
        require(name, "ray" if ray else "expert")
    from expert.scale import Replicas
    from expert.serve import ServerOptions

    plan = ServerOptions(
        model=settings.model if model is None else model, token=settings.token.get_secret_value(),
        host=host, port=port, looks=settings.looks if looks is None else looks, batch=batch, queue=queue,
        rate=rate, distillation=distillation, certificate=tls_cert, key=tls_key, transfer=transfer,
    )  # fmt: skip
    _serve(plan, Replicas(replicas, most) if ray else None)


def _serve(plan: "ServerOptions", replicas: "Replicas | None") -> None:
    from expert.scale import serve_on_ray
    from expert.serve import serve

    plan.check()
    scheme = "http" if plan.certificate is None else "https"
    typer.echo(f"Serving {plan.model} at {scheme}://{plan.host}:{plan.port}. Stop it with Ctrl-C.", err=True)
    if replicas is not None:
        serve_on_ray(plan, replicas)
    else:
        serve(plan)


def _check_replicas(ray: bool, least: int, most: int) -> None:
    """Raises InputError where the options contradict each other."""
    if not ray and most > 1:
        raise InputError("Several replicas are served on Ray. Add --ray.")
    if most < least:
        raise InputError(f"There cannot be {least} replicas and at most {most}. Raise --most-replicas.")
