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
from bench.pair.models import by_picture, held_out_questions
from bench.studies.dims.measure import WHOLE, answer_rows, answers, second_rows, seconds, token_rows
from bench.studies.dims.ways import SLICED, lessons, render_room, ways
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
    vlm = load_model(model)
    with crew(jobs) as workers:
        material = lessons(vlm, workers.each(render_room, range(fit), "rooms to fit on"))
    channels = int(material.vision.tokens.shape[2])
    widths = _widths(width or [channels // part for part in _PARTS], channels)
    pictured = held_out_questions(split, rooms, 224, jobs)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("learning", total=steps * (1 + len(widths)))
        reduced = ways(vlm, material, widths, steps, seed, lambda: progress.advance(bar))
        questions = [pictured[places[0]].question.text for _, places in by_picture(pictured)]
        other = progress.add_task("answers", total=len(questions))
        answer_texts, vision = answers(vlm, reduced, pictured, lambda: progress.advance(other))
    times = seconds(vlm, reduced, vision, questions, repeats, seed)
    rows = [
        *answer_rows(model, answer_texts, pictured, seed),
        *token_rows(model, reduced, vision, questions, seed),
        *second_rows(model, times, seed),
    ]
    if picture is not None:
        _draw(picture, f"{model}, {rooms} {split} rooms", rows)
    emit(Report("study dims", seed, rows), json=as_json)
    if not as_json:
        typer.echo(paragraph(rows))


def _widths(requested: Sequence[int], channels: int) -> list[int]:
    wrong = [width for width in requested if not 1 <= width <= channels]
    if wrong:
        raise InputError(f"A width of {wrong[0]} is not within 1 to {channels}. Choose another --width.")
    return sorted(set(requested), reverse=True)


def paragraph(rows: Sequence[Row]) -> str:
    """How narrow each way can be before answers suffer, and what that saves."""
    parts = []
    for method in dict.fromkeys(str(row["method"]) for row in rows if row["method"] != WHOLE):
        own_rows = [row for row in rows if row["method"] == method]
        lost = {int(row["width"] or 0): row for row in own_rows if row["metric"] == "exact difference"}
        fine = [width for width, row in lost.items() if float(row["mean"] or 0) >= -0.02]
        least = min(lost)
        sentence = f"{method}: " + (f"at most 2 points lost down to {min(fine)}" if fine else "none keeps up")
        sentence += f", {100 * float(lost[least]['mean'] or 0):+.1f} points at {least}"
        fast = [row for row in own_rows if row["metric"] == "times_faster" and row["width"] == least]
        if method == SLICED and fast:
            sentence += f", there {float(fast[0]['mean'] or 0):.2f} times faster"
        parts.append(sentence)
    return "; ".join(parts) + ". Reducers save bytes alone: the language model reads all numbers again."


def _draw(path: Path, title: str, rows: Sequence[Row]) -> None:
    exact = [row for row in rows if row["metric"] == "exact" and row["method"] != WHOLE]
    lines = {
        method: sorted(
            (float(row["width"] or 0), interval_of(row)) for row in exact if row["method"] == method
        )
        for method in dict.fromkeys(str(row["method"]) for row in exact)
    }
    draw(path, title, ("numbers kept per vision token", "exact match"), lines)
