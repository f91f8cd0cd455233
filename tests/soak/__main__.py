"""`scripts/soak`: the long trials, each by its name."""

import os
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)
Seed = Annotated[int, typer.Option("--seed", help="The same seed tries the same things.")]
Out = Annotated[Path, typer.Option("--out", help="Where it is kept how far a trial is, to go on.")]
_OUT = Path("runs/soak")


@app.callback()
def soak() -> None:
    """Try Roomwise for hours: spoilt inputs, kills, bad clients, a long session. Each goes on where it was cut.

    Example: scripts/soak inputs --count 20000
    """


@app.command()
def inputs(
    count: Annotated[int, typer.Option("--count", min=1)] = 1_000_000, seed: Seed = 0, out: Out = _OUT
) -> None:
    """Spoilt inputs over all parsers: tracebacks, hangs over 5 s, and writes outside their folder.

    Example: scripts/soak inputs --count 20000
    """
    from soak.inputs import try_all

    findings = try_all(count, seed, out)
    for name, found in findings.items():
        typer.echo(f"{name:28} {found.inputs:8,} inputs, {found.read:8,} read, {found.refused:8,} refused")
        for fault, times in found.faults.most_common():
            typer.echo(f"    {times} times: {fault}")
    faults = sum(sum(found.faults.values()) for found in findings.values())
    typer.echo(f"{sum(found.inputs for found in findings.values()):,} inputs, {faults} faults")
    raise typer.Exit(int(faults > 0))


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    app(prog_name="scripts/soak")
