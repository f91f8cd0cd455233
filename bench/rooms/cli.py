"""`roomwise render`: rooms to look at, sessions to replay, and the proof that questions are right."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from bench.measure.options import Json, Split
from bench.measure.report import Report, emit
from bench.rooms.proof import prove
from bench.rooms.questions import balance
from bench.rooms.questions.ask import drafts
from bench.rooms.questions.draft import Dice, QuestionDraft
from bench.rooms.sessions import VIEWS, make_session, write_session, write_shots
from bench.rooms.sheet import draw_sheet
from bench.rooms.views import visit
from bench.rooms.wander import write_wander
from bench.rooms.world.scene import SPLITS
from core.errors import InputError
from core.files import atomic_directory, atomic_write_text

app = typer.Typer(no_args_is_help=True, add_completion=False)

Rooms = Annotated[int, typer.Option("--rooms", min=1, help="How many.")]
Size = Annotated[int, typer.Option("--size", min=32, max=1024, help="Side of a frame in pixels.")]


@app.callback()
def render() -> None:
    """Render furnished rooms and ask about them.

    Example: roomwise render rooms --rooms 4 --sheet sheet.png
    """


@app.command()
def rooms(
    rooms: Rooms = 4,
    split: Split = "test",
    size: Size = 224,
    sheet: Annotated[Path | None, typer.Option("--sheet", help="Draw all views on this PNG.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write frames, depth and facts here.")] = None,
) -> None:
    """Render rooms with four views each, as a contact sheet, as files, or both.

    Example: roomwise render rooms --rooms 4 --split test --sheet sheet.png
    """
    if sheet is None and out is None:
        raise InputError("Nothing to write to. Name a picture with --sheet or a folder with --out.")
    with typer.progressbar(range(rooms), label="rooms", file=sys.stderr) as bar:
        visits = [visit(split, index, size, VIEWS) for index in bar]
    if sheet is not None:
        draw_sheet(visits, sheet)
        typer.echo(f"{sheet}: {rooms} rooms of {split}")
    for room, shots in visits if out is not None else ():
        with atomic_directory(Path(str(out)) / f"{split}-{room.index}") as folder:
            write_shots(shots, folder)
            facts = [shot.facts.to_dict() for shot in shots]
            (folder / "facts.json").write_text(json.dumps(facts) + "\n", encoding="utf-8")
        typer.echo(f"{out}/{split}-{room.index}: {room.kind}, {len(shots)} views")


@app.command()
def session(
    out: Annotated[Path, typer.Option("--out", help="Folder to make; it replays like a recording.")],
    index: Annotated[int, typer.Option("--index", min=0, help="Number of the room.")] = 0,
    then: Annotated[
        int | None, typer.Option("--then", min=0, help="Number of a second room: over there, and back.")
    ] = None,
    split: Split = "test",
    size: Size = 224,
) -> None:
    """Write one visit: frames, depth, and twenty questions with their answers, of one room or of each of two.

    Example: roomwise render session --index 3 --out visit

    Example: roomwise render session --index 3 --then 8 --out wander
    """
    if then is not None:
        write_wander([make_session(split, number, size) for number in (index, then)], out)
        typer.echo(f"{out}: two rooms")
        return
    visited = make_session(split, index, size)
    write_session(visited, out)
    typer.echo(f"{out}: {visited.room.kind}, {len(visited.shots)} frames, {len(visited.turns)} questions")


@app.command()
def check(rooms: Rooms = 60, size: Size = 112, as_json: Json = False) -> None:
    """Prove every answer again from ids, depth and geometry; score a reader that sees only questions.

    Ends with 1 when an answer is wrong, splits share something, or the blind reader does too well.

    Example: roomwise render check --rooms 60 --json
    """
    with typer.progressbar(length=2 * rooms, label="rooms", file=sys.stderr) as bar:
        proof = prove(rooms, size, lambda: bar.update(1))
    emit(Report("render check", 0, proof.rows), as_json)
    for failure in proof.failures[:20]:
        typer.echo(failure, err=True)
    if proof.failures:
        raise typer.Exit(1)


@app.command("balance")
def fit_balance(rooms: Rooms = 400, size: Size = 112) -> None:
    """Fit again how often each answer is kept, on training rooms; needed when rooms or questions change.

    Example: roomwise render balance --rooms 400
    """
    with typer.progressbar(range(rooms), label="rooms", file=sys.stderr) as bar:
        table = balance.fit(draft for index in bar for draft in _room_drafts(index, size))
    atomic_write_text(balance.TABLE, table)
    typer.echo(f"{balance.TABLE.name}: {len(table.splitlines())} lines from {rooms} rooms")


def _room_drafts(index: int, size: int) -> Iterator[QuestionDraft]:
    dice = Dice(np.random.default_rng([SPLITS["train"], index, 6]))
    for shot in visit("train", index, size, VIEWS)[1]:
        yield from drafts(shot.facts, dice)
