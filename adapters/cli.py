"""`roomwise adapters`: look at the adapters of each room, choose another one, take one elsewhere."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from adapters.store import AdapterStore, Version, meant, shown
from core.files import state_dir

app = typer.Typer(no_args_is_help=True, add_completion=False)

Room = Annotated[str, typer.Argument(help="The room's name; home is of all rooms.")]
Number = Annotated[int, typer.Argument(help="The adapter's number.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.callback()
def adapters() -> None:
    """Adapters: what the student has learnt of each room, version by version.

    Example: roomwise adapters list
    """


def _store() -> AdapterStore:
    return AdapterStore(state_dir() / "adapters")


@app.command("list")
def listed(
    room: Annotated[str | None, typer.Argument(help="One room's name; without it, all.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the adapters of every room; a star marks the one that answers.

    Example: roomwise adapters list kitchen --json
    """
    store = _store()
    rooms = store.rooms()
    rows = []
    for name in [meant(room, rooms)] if room is not None else rooms:
        current = store.current(name)
        rows += [_row(version, version == current, shown(name, rooms)) for version in store.versions(name)]
    if as_json:
        typer.echo(json.dumps({"adapters": rows}))
        return
    for row in rows:
        star = "*" if row["current"] else " "
        said = row["problem"] or f"{row['created']}  {row['pairs']} pairs  {_scores(row['scores'])}"
        typer.echo(f"{star} {row['room']} {row['version']}  {said}")
    if not rows:
        typer.echo("No adapters yet. The student learns one after its first questions in a room.")


@app.command()
def show(room: Room, number: Number, as_json: AsJson = False) -> None:
    """Show where an adapter comes from: pairs, recipe, scores, libraries.

    Example: roomwise adapters show kitchen 2
    """
    store = _store()
    version = store.version(meant(room, store.rooms()), number)
    typer.echo(json.dumps(version.about, indent=None if as_json else 2))


@app.command()
def promote(room: Room, number: Number, as_json: AsJson = False) -> None:
    """Let this adapter answer in the room from now on.

    Example: roomwise adapters promote kitchen 1
    """
    store = _store()
    version = store.promote(meant(room, store.rooms()), number)
    _say_current(room, version, as_json)


@app.command()
def rollback(room: Room, as_json: AsJson = False) -> None:
    """Go back to what answered before the current adapter.

    Example: roomwise adapters rollback kitchen
    """
    store = _store()
    _say_current(room, store.rollback(meant(room, store.rooms())), as_json)


@app.command()
def export(
    room: Room,
    number: Number,
    folder: Annotated[Path, typer.Argument(help="A new folder; peft loads it as it is.")],
    as_json: AsJson = False,
) -> None:
    """Copy an adapter to a folder, in peft's own format.

    Example: roomwise adapters export kitchen 2 ./kitchen-adapter
    """
    store = _store()
    written = store.export(meant(room, store.rooms()), number, folder)
    typer.echo(json.dumps({"folder": str(written)}) if as_json else str(written))


def _say_current(room: str, version: Version | None, as_json: bool) -> None:
    number = None if version is None else version.number
    if as_json:
        typer.echo(json.dumps({"room": room, "current": number}))
    else:
        typer.echo(f"{room}: {'the untouched student' if number is None else f'adapter {number}'} answers.")


def _row(version: Version, current: bool, room: str) -> dict[str, Any]:
    about = version.about
    return {
        "room": room,
        "version": version.number,
        "current": current,
        "created": about.get("created", ""),
        "pairs": len(about.get("pairs", ())),
        "scores": about.get("scores", {}),
        "problem": version.problem,
    }


def _scores(scores: dict[str, Any]) -> str:
    """Exact match on the room's pairs and on the probe set, candidate and what answered before it."""
    parts = []
    for kind, name in (("train", "pairs"), ("hold_out", "held out"), ("probe", "probe set")):
        ours, theirs = scores.get("candidate", {}).get(kind, {}), scores.get("current", {}).get(kind, {})
        if ours.get("n"):
            parts.append(f"{name} {theirs.get('exact', 0):.0%} -> {ours['exact']:.0%}")
    return ", ".join(parts)
