"""`scripts/soak`: the long trials, each by its name."""

import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)
Seed = Annotated[int, typer.Option("--seed", help="The same seed tries the same things.")]
Out = Annotated[Path, typer.Option("--out", help="Where it is kept how far a trial is, to go on.")]
_OUT = Path("runs/soak")
_GROWTH = 0.05


@app.callback()
def soak() -> None:
    """Try Roomwise for hours: spoilt inputs, kills, bad clients, a long session.

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


@app.command()
def kills(
    count: Annotated[int, typer.Option("--count", min=1)] = 1000, seed: Seed = 0, out: Out = _OUT
) -> None:
    """Kill what changes something at any step or moment: what is lost, does not open, or is half done.

    Example: scripts/soak kills --count 50
    """
    from soak.kills import kill_many

    deaths = kill_many(count, seed, (out / f"kills-{seed}").resolve())
    typer.echo("\n".join([*deaths.faults, str(deaths)]))
    raise typer.Exit(int(bool(deaths.faults)))


@app.command()
def clients(
    count: Annotated[int, typer.Option("--count", min=2, help="Clients; half of them stall.")] = 200,
    questions: Annotated[int, typer.Option("--questions", min=1, help="Of each that does not.")] = 20,
) -> None:
    """A server with 256 open files, and clients half of which stall before or after their header.

    Example: scripts/soak clients --questions 2
    """
    from soak.clients import try_clients

    with tempfile.TemporaryDirectory() as folder:
        outcomes = try_clients(count, questions, Path(folder))
    typer.echo(", ".join(f"{times:,} {outcome}" for outcome, times in outcomes.most_common()))
    raise typer.Exit(int(set(outcomes) != {"answered"}))


@app.command()
def steady(
    minutes: Annotated[int, typer.Option("--minutes", min=2)] = 30,
    since: Annotated[int, typer.Option("--since", min=1, help="The minute memory is compared with.")] = 10,
    seed: Seed = 0,
) -> None:
    """A session that is asked and learns: its memory in megabytes, minute by minute.

    Example: scripts/soak steady --minutes 3 --since 1
    """
    from soak.steady import Steadiness, ask_for

    result = Steadiness()
    with tempfile.TemporaryDirectory() as folder:
        for result in ask_for(minutes, seed, Path(folder)):
            minute, used = list(result.memory.items())[-1]
            typer.echo(
                f"minute {minute}: {used / 1e6:.0f} MB, {result.asked} asked, {result.answered} answered, "
                f"{result.lost} lost, {result.adaptations} adaptations"
            )
    growth = result.growth(since) if since in result.memory else float("inf")
    typer.echo(f"largest after minute {since}: {growth:+.1%}")
    raise typer.Exit(int(growth > _GROWTH or result.lost > 0))


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    app(prog_name="scripts/soak")
