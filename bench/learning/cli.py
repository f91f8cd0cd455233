"""`roomwise bench learning`: the command."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from bench.learning.methods import LearningOptions, chosen
from bench.measure.charts import PictureOption
from bench.measure.options import Json, ReplayExpert, ReplaySeed, RoomJobs, Rooms, Sessions, Split, Student
from bench.measure.report import console, emit
from core.config import load_config

app = typer.Typer(add_completion=False)

_Folder = Path | None
_STREAM = typer.Option(
    "--stream",
    help="Visit these rooms first, one after another, and measure from what was learnt there: "
    "a folder of session folders, or how many rendered rooms.",
)
_VISIT = typer.Option("--visit", min=1, help="So many of --stream; without --sessions the rest is measured.")
_HOME_EVERY = typer.Option(
    "--home-every",
    min=0,
    help="Consolidate home after so many rooms of --stream, and at its end; 0 never. Default: at its end, "
    "since it takes minutes each time and every one begins anew.",
)
_REVIEW = typer.Option(
    "--review",
    help="After each visit of --stream ask the expert what the student answered itself, one call each, so "
    "that the whole visit is remembered.",
)
_MORE_VIEWS = typer.Option(
    "--more-views",
    help="Ask also about up to four more views of each rendered room, which no question of its session is "
    "about.",
)
_METHODS = typer.Option(
    "--methods",
    help="Beside untouched, memory, roomwise and expert: all-rooms, context, home, lora, roomwise-ce, "
    "roomwise-attention, roomwise-logits, no-extra, no-home, with commas between them; or all.",
)
_OUT = typer.Option("--out", help="Where what is done is kept, and not done again.")


@app.command()
def learning(
    rooms: Rooms = 50,
    sessions: Sessions = None,
    stream: Annotated[str | None, _STREAM] = None,
    visit: Annotated[int | None, _VISIT] = None,
    half: Annotated[
        bool, typer.Option("--half", help="The warm-up is half of each session's questions.")
    ] = False,
    home_every: Annotated[int | None, _HOME_EVERY] = None,
    review: Annotated[bool, _REVIEW] = False,
    methods: Annotated[str, _METHODS] = "",
    more_views: Annotated[bool, _MORE_VIEWS] = False,
    student: Student = "builtin-student",
    expert: ReplayExpert = None,
    split: Split = "test",
    seed: ReplaySeed = 0,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="How many, from --seed on.")] = 1,
    jobs: RoomJobs = 2,
    out: Annotated[_Folder, _OUT] = None,
    picture: PictureOption = None,
    as_json: Json = False,
) -> None:
    """Let the student learn ten answers in each of many rooms, and compare what it says after.

    Example: roomwise bench learning --rooms 50 --json

    Example: roomwise bench learning --rooms 50 --methods all --seeds 3 --picture methods.png

    Example: roomwise bench learning --rooms 50 --more-views

    Example: roomwise bench learning --sessions recordings --json

    Example: roomwise bench learning --stream recordings --visit 100 --half
    """
    from bench.learning.bench import bench
    from bench.learning.result import methods_table, other_rows

    options = LearningOptions(
        rooms=rooms, split=split, sessions=sessions, stream=stream, visit=visit, half=half,
        methods=chosen(methods), student=student, expert=expert, seed=seed, seeds=seeds, jobs=jobs, out=out,
        picture=picture, home_every=home_every, review=review, more_views=more_views,
    )  # fmt: skip
    report = bench(options, load_config())
    if not as_json:
        console().print(methods_table(report.rows), "")
        report = replace(report, rows=other_rows(report.rows))
    emit(report, json=as_json)
