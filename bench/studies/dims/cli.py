"""`roomwise study dims`: fewer numbers per vision token, and what that does to answers, bytes and time."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from bench.measure.charts import PictureOption, draw
from bench.measure.crew import crew
from bench.measure.options import HeldOutRooms, Json, RenderJobs, Split
from bench.measure.report import Report, Row, emit, interval_of
from bench.pair.models import held_out_questions
from bench.studies.dims.measure import WHOLE, answer_rows, answers, second_rows, seconds, token_rows
from bench.studies.dims.ways import SLICED, lessons, rendered, ways
from bench.studies.few_shot.table import check_picture
from core.errors import InputError
from models.registry import load_model

_PARTS = (1, 2, 4, 8)

app = typer.Typer(add_completion=False)


@app.command()
def dims(
    model: Annotated[str, typer.Option("--model", help="A name or folder.")] = "builtin-student",
    rooms: HeldOutRooms = 50,
    fit: Annotated[
        int, typer.Option("--fit", min=2, help="Training rooms that reducers are fitted on.")
    ] = 60,
    split: Split = "test",
    steps: Annotated[int, typer.Option("--steps", min=1, help="Of what is learnt.")] = 150,
    width: Annotated[list[int] | None, typer.Option("--width", help="Default: D, D/2, D/4, D/8.")] = None,
    repeats: Annotated[int, typer.Option("--repeats", min=2, help="Of timed answers.")] = 20,
    jobs: RenderJobs = 2,
    picture: PictureOption = None,
    seed: Annotated[int, typer.Option("--seed", help="For what is learnt, drawn and timed.")] = 0,
    as_json: Json = False,
) -> None:
    """PCA, a learned projection, a matryoshka and random directions, which save bytes; and an encoder that is
    rotated and sliced, which saves time. Nothing was published to compare with.

    Example: roomwise study dims --rooms 50 --picture dims.svg
    """
    check_picture(picture)
    vlm = load_model(model)
    with crew(jobs) as workers:
        material = lessons(vlm, workers.each(rendered, range(fit), "rooms to fit on"))
    channels = int(material.vision.tokens.shape[2])
    widths = _widths(width or [channels // part for part in _PARTS], channels)
    asked = held_out_questions(split, rooms, 224, jobs)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("learning", total=steps * (1 + len(widths)))
        found = ways(vlm, material, widths, steps, seed, lambda: progress.advance(bar))
        pictures = len({(one.room, one.frame) for one in asked})
        other = progress.add_task("answers", total=pictures)
        said, vision = answers(vlm, found, asked, lambda: progress.advance(other))
    first = {(one.room, one.frame): one.question.text for one in reversed(asked)}
    questions = [first[key] for key in dict.fromkeys((one.room, one.frame) for one in asked)]
    times = seconds(vlm, found, vision, questions, repeats, seed)
    rows = [
        *answer_rows(model, said, asked, seed),
        *token_rows(model, found, vision, questions, seed),
        *second_rows(model, times, seed),
    ]
    if picture is not None:
        _draw(picture, f"{model}, {rooms} {split} rooms", rows)
    emit(Report("study dims", seed, rows), json=as_json)
    if not as_json:
        typer.echo(paragraph(rows))


def _widths(wished: Sequence[int], channels: int) -> list[int]:
    wrong = [one for one in wished if not 1 <= one <= channels]
    if wrong:
        raise InputError(f"A width of {wrong[0]} is not within 1 to {channels}. Choose another --width.")
    return sorted(set(wished), reverse=True)


def paragraph(rows: Sequence[Row]) -> str:
    """How narrow each way can be before answers suffer, and what that saves."""
    told = []
    for method in dict.fromkeys(str(row["method"]) for row in rows if row["method"] != WHOLE):
        mine = [row for row in rows if row["method"] == method]
        lost = {int(row["width"] or 0): row for row in mine if row["metric"] == "exact difference"}
        fine = [width for width, row in lost.items() if float(row["mean"] or 0) >= -0.02]
        least = min(lost)
        said = f"{method}: at most 2 points lost down to {min(fine)}" if fine else f"{method}: none keeps up"
        said += f", {100 * float(lost[least]['mean'] or 0):+.1f} points at {least}"
        fast = [r for r in mine if r["metric"] == "times_faster" and r["width"] == least]
        if method == SLICED and fast:
            said += f", there {float(fast[0]['mean'] or 0):.2f} times faster"
        told.append(said)
    return "; ".join(told) + ". Reducers save bytes alone: the language model reads all numbers again."


def _draw(path: Path, title: str, rows: Sequence[Row]) -> None:
    exact = [row for row in rows if row["metric"] == "exact" and row["method"] != WHOLE]
    lines = {
        method: sorted(
            (float(row["width"] or 0), interval_of(row)) for row in exact if row["method"] == method
        )
        for method in dict.fromkeys(str(row["method"]) for row in exact)
    }
    draw(path, title, ("numbers kept per vision token", "exact match"), lines)
