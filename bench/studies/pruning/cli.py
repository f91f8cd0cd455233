"""`roomwise study pruning`: a post on pruning LLaVA's vision tokens, and what leaving them out costs."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from PIL import Image
from rich.console import Console
from rich.progress import Progress

from bench.measure.charts import PictureOption, draw
from bench.measure.options import HeldOutRooms, Json, RenderJobs, Split
from bench.measure.report import Report, Row, emit, interval_of
from bench.pair.models import PicturedQuestion, held_out_questions
from bench.pruning.sizes import write_size
from bench.studies.pruning.accuracy import SHARES, accuracy_rows, answer_all_ways
from bench.studies.pruning.maps import language_rows, tower_rows
from bench.studies.pruning.published import PROMPTS
from bench.studies.pruning.seconds import seconds_rows
from bench.studies.pruning.seconds import time_methods as time_methods
from bench.studies.pruning.words import paragraph
from models.registry import load_model

_SIZE = "llava-narrow"
_OPTIONAL = ("published", "low", "high", "n", "dropped")
_PICTURES = 4
"""As many as the post has."""

app = typer.Typer(add_completion=False)


@app.command()
def pruning(
    model: Annotated[
        str | None,
        typer.Option("--model", help="Of LLaVA's architecture. Default: narrow, with random weights."),
    ] = None,
    student: Annotated[str, typer.Option("--student", help="Whose answers are counted.")] = "builtin-student",
    expert: Annotated[
        str, typer.Option("--expert", help="Whose map is one way to choose.")
    ] = "builtin-expert",
    rooms: HeldOutRooms = 50,
    split: Split = "test",
    share: Annotated[list[float] | None, typer.Option("--share", help="Kept; repeatable.")] = None,
    merge: Annotated[bool, typer.Option("--merge/--no-merge", help="Also merge what goes.")] = True,
    length: Annotated[int, typer.Option("--length", min=1, help="Tokens of timed answers.")] = 8,
    repeats: Annotated[int, typer.Option("--repeats", min=1, help="Of the timed answers.")] = 3,
    jobs: RenderJobs = 2,
    picture: PictureOption = None,
    seed: Annotated[int, typer.Option("--seed", help="For weights, order, intervals.")] = 0,
    as_json: Json = False,
) -> None:
    """The post's tables on a model of LLaVA's kind, then how right the student is with fewer tokens.

    Every timed answer has the same number of tokens: with its own length, a shorter answer passes for a
    faster model. Random weights tell of time and of shapes, nothing of entropy or words.

    Example: roomwise study pruning --rooms 50 --picture pruning.svg
    """
    questions = held_out_questions(split, rooms, 224, jobs)
    pictures = _pictures(questions)
    timing_rows = [
        *_llava_rows(model, pictures, length, repeats, seed),
        *_student_rows(student, pictures, seed),
    ]
    right = answer_all_ways(
        load_model(student), load_model(expert), questions, share or SHARES, (False, True)[: 1 + merge], seed
    )
    accuracy = list(accuracy_rows(student, questions, right, seed))
    rows = [*timing_rows, *accuracy]
    if picture is not None:
        _draw(picture, f"{student}, {rooms} {split} rooms", accuracy)
    if as_json:
        emit(Report("study pruning", seed, rows), json=True)
        return
    for part in _parts(rows):
        emit(Report("study pruning", seed, part), json=False)
    typer.echo(paragraph(rows))


def _llava_rows(
    model: str | None, pictures: Sequence[Image.Image], length: int, repeats: int, seed: int
) -> list[Row]:
    with TemporaryDirectory() as spare:
        name = model or str(write_size(_SIZE, Path(spare) / "model", seed))
        vlm = load_model(name)
    vlm.name = model or f"{_SIZE} (random weights)"
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("answers", total=(repeats * len(pictures) + 3) * len(PROMPTS))
        timed, dropped = time_methods(vlm, pictures, length, repeats, seed, lambda: progress.advance(bar))
    return [*tower_rows(vlm, pictures, seed), *seconds_rows(vlm.name, timed, dropped, seed)]


def _student_rows(student: str, pictures: Sequence[Image.Image], seed: int) -> list[Row]:
    return list(language_rows(load_model(student, attention="eager"), pictures, PROMPTS[0], seed))


def _parts(rows: Sequence[Row]) -> list[list[Row]]:
    """A table for each kind of row: columns that others have would stay empty."""
    kinds: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        kinds.setdefault(tuple(key for key in row if key not in _OPTIONAL), []).append(row)
    return list(kinds.values())


def _pictures(questions: Sequence[PicturedQuestion]) -> list[Image.Image]:
    """One of each of the first rooms."""
    first = {question.room: question.picture for question in reversed(questions)}
    return [Image.open(BytesIO(first[room])).convert("RGB") for room in sorted(first)[:_PICTURES]]


def _draw(path: Path, title: str, rows: Sequence[Row]) -> None:
    exact = [row for row in rows if row["metric"] == "exact"]
    methods = [str(name) for name in dict.fromkeys(row["method"] for row in exact) if name != "all"]
    whole = [row for row in exact if row["method"] == "all"]
    lines = {
        name: sorted(
            (float(row["share"] or 0), interval_of(row)) for row in (*exact, *whole)
            if row["method"] == name or row in whole
        )
        for name in methods if not name.endswith("+merge")
    }  # fmt: skip
    draw(path, title, ("share of vision tokens kept", "exact match"), lines)
