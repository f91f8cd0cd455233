"""The command `roomwise study edgevl`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from bench.measure.charts import PictureOption, draw_dots
from bench.measure.options import Json
from bench.measure.report import Report, Row, emit, ruled, show
from bench.studies.edgevl.claims import MEANS, MODALITIES, SOURCE, PlaceScores, claim_rows, judge, paragraph
from core.errors import InputError
from core.files import cache_dir, storage_errors
from models.scene.names import SCANNET, check_names

app = typer.Typer(add_completion=False)
_QUICK_ROOMS, _ROOMS = 24, 100


@app.command()
def edgevl(
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Students of each method.")] = 3,
    rooms: Annotated[int | None, typer.Option("--rooms", min=2, help="Rendered test rooms.")] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="The committed encoders alone; trains nothing.")
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Paired pictures: train/ and test/ of CLASS/FILE.jpg, FILE.depth.png."),
    ] = None,
    classes: Annotated[Path | None, typer.Option("--classes", help="Class names, one a line.")] = None,
    teacher: Annotated[str, typer.Option("--teacher", help="A CLIP's folder.")] = "builtin-teacher",
    backbone: Annotated[str, typer.Option("--backbone", help="built-in, swin-t or vit-s.")] = "built-in",
    frames: Annotated[Path | None, typer.Option("--frames", help="Rendered training rooms.")] = None,
    share: Annotated[
        float, typer.Option("--share", min=0.001, max=1, help="Of every training's steps.")
    ] = 1.0,
    code_faithful: Annotated[
        bool, typer.Option("--code-faithful", help="Train as EdgeVL's released code does, defects included.")
    ] = False,
    no_triplets: Annotated[
        bool, typer.Option("--no-triplets", help="Also stage 2 without its triplets: what contrast adds.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="Where everything is kept, to be gone on with.")
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Processes that render and train.")] = 2,
    threads: Annotated[
        int, typer.Option("--threads", min=1, help="Processor threads, also when timing.")
    ] = 2,
    as_json: Json = False,
    picture: PictureOption = None,
) -> None:
    """Do EdgeVL again: which place is it, from RGB and from depth, in floating point and in 8-bit integers.

    Example: roomwise study edgevl --quick

    Example: roomwise study edgevl --seeds 3 --picture edgevl.svg

    Example: roomwise study edgevl --data ./scannet --teacher ./clip-vit-b-32 --backbone swin-t
    """
    from bench.studies.edgevl.study import run_study
    from bench.studies.edgevl.training import EdgeVLPlan

    names = list(SCANNET) if classes is None else read_names(classes)
    plan = EdgeVLPlan(
        out=out or cache_dir() / "studies" / "edgevl", frames=frames or cache_dir() / "rooms", classes=names,
        seeds=seeds, rooms=rooms or (_QUICK_ROOMS if quick else _ROOMS), quick=quick, data=data,
        teacher=teacher, backbone=backbone, share=share, code_faithful=code_faithful,
        no_triplets=no_triplets, jobs=jobs, threads=threads,
    )  # fmt: skip
    scores, speed = run_study(plan)
    _print_results(scores, speed, names, as_json, picture)


def read_names(path: Path) -> list[str]:
    """Class names from a text file, one a line, blank ones passed over. Raises InputError, StorageError."""
    with storage_errors("read", path):
        raw = path.read_bytes()
    try:
        return check_names(raw.decode("utf-8-sig").splitlines())
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no text in UTF-8. Save it as such.") from error


def _print_results(
    scores: PlaceScores, speed: list[Row], names: list[str], as_json: bool, picture: Path | None
) -> None:
    """Print all of it, and draw it."""
    verdicts = judge(scores)
    title = f"{len(set(scores.rooms))} test rooms, {len(scores.rooms)} views, {len(names)} classes: accuracy"
    if picture is not None:
        dots = {name: scores.interval(name, "mean") for name in scores.right}
        draw_dots(picture, f"{title}, mean of RGB and depth", dots, "stage1", MEANS)
    rows = [*scores.rows(), *_published(), *claim_rows(verdicts), *speed]
    report = Report("study edgevl", 0, rows)
    if as_json:
        emit(report, json=True)
        return
    show(
        _table(scores, title),
        [*_speed(speed), f"Published: {SOURCE}; percent.", "", paragraph(verdicts, scores)],
    )


def _published() -> list[Row]:
    about: Row = {"modality": "mean", "source": SOURCE, "metric": "accuracy"}
    nothing: Row = {"low": None, "high": None, "n": None}
    return [{"method": name, **about, "mean": value / 100, **nothing} for name, value in MEANS.items()]


def _table(scores: PlaceScores, title: str) -> Table:
    columns = ("method", *MODALITIES, "published mean")
    table = ruled(f"roomwise study edgevl: {title}, %", columns, left=("method",))
    for name in scores.right:
        cells = [scores.interval(name, modality) for modality in MODALITIES]
        texts = [f"{100 * cell.mean:.1f} [{100 * cell.low:.1f}, {100 * cell.high:.1f}]" for cell in cells]
        table.add_row(name, *texts, f"{MEANS[name]:.1f}" if name in MEANS else "")
    return table


def _speed(rows: list[Row]) -> list[str]:
    """One line a figure."""
    return [
        f"{row['method']}{' against ' + str(row['against']) if 'against' in row else ''}: "
        f"{row['metric']} {row['mean']:.4g}"
        for row in rows
    ]
