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
from bench.studies.pruning.accuracy import SHARES, accuracy_rows, answer_all_ways, cheapest
from bench.studies.pruning.maps import drop_layer, language_rows, tower_rows
from bench.studies.pruning.published import PROMPTS, SECONDS
from bench.studies.pruning.seconds import seconds_rows
from bench.studies.pruning.seconds import time_methods as time_methods
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
        *language_rows(load_model(student, attention="eager"), pictures, PROMPTS[0], seed),
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


_ALLOWED = 0.02
"""Of all questions, what leaving out half may cost."""


def paragraph(rows: Sequence[Row]) -> str:
    """Time of zeroing against leaving out, where entropy falls, and what half of the tokens costs."""
    return " ".join(
        sentence
        for sentence in (_time_sentences(rows), _entropy_sentence(rows), _accuracy_sentence(rows))
        if sentence
    )


def _time_sentences(rows: Sequence[Row]) -> str:
    ratios = {
        str(row["method"]): row
        for row in rows
        if row["metric"] == "ratio" and "published" not in str(row["method"])
    }
    sentences = []
    for method in ("layer-wise", "patch-wise"):
        if method in ratios:
            then = SECONDS[method] / SECONDS["none"]
            mean, low, high = (_number(ratios[method], key) for key in ("mean", "low", "high"))
            verdict = "does not hold" if high >= 1 else "holds"
            sentences.append(
                f"{method} zeroing takes {mean:.2f} [{low:.2f}, {high:.2f}] of the time at equal length "
                f"(published {then:.2f}): that it saves time {verdict}."
            )
    if "half left out" in ratios:
        mean = _number(ratios["half left out"], "mean")
        sentences.append(f"Really leaving out half takes {mean:.2f}.")
    return " ".join(sentences)


def _entropy_sentence(rows: Sequence[Row]) -> str:
    tower = [row for row in rows if row.get("stack") == "tower" and "published" not in str(row.get("method"))]
    layer, fall = drop_layer(tower, "class token")
    if not layer:
        return ""
    random = "random weights" in str(tower[0]["model"])
    sentence = (
        f"Entropy of the class token's row falls most, by {fall:.3f}, after layer {layer} (published: 11)"
    )
    return sentence + ("; weights are random, so this says nothing about the post." if random else ".")


def _accuracy_sentence(rows: Sequence[Row]) -> str:
    share = 0.5
    about = [row for row in rows if row["metric"] == "exact difference" and row["share"] == share]
    if not about:
        return ""
    good = cheapest(about, _ALLOWED, share, lambda name: "expert" not in name and "random" not in name)
    best = max(about, key=lambda row: _number(row, "mean"))
    chance = next((row for row in about if row["method"] == "random"), None)
    sentence = (
        f"With half of the vision tokens the student loses at most 2 points by: {', '.join(good) or 'none'};"
    )
    sentence += f" best is {best['method']} with {100 * _number(best, 'mean'):+.1f} points"
    if chance is not None:
        sentence += f", at random {100 * _number(chance, 'mean'):+.1f}"
    return sentence + "."


def _number(row: Row, key: str) -> float:
    return float(row[key] or 0)
