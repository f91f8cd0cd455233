"""`roomwise bench learning`: the command."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from bench.learning.methods import parse_methods
from bench.learning.places import Place, neighbours, rendered_places, session_places, stream_places
from bench.learning.plan import LearningPlan, Start, Unit
from bench.learning.result import all_rows, draw, methods_table, other_rows, stream_rows, transfer_rows
from bench.learning.stream import transfer, visit_rooms
from bench.learning.unit import measure
from bench.measure.charts import PictureOption
from bench.measure.crew import Crew, crew
from bench.measure.options import Json, ReplayExpert, ReplaySeed, RoomJobs, Rooms, Sessions, Split, Student
from bench.measure.report import Report, Row, console, emit
from core.config import load_config
from core.errors import InputError
from core.files import cache_dir

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
    "roomwise-attention, whole, no-extra, no-home, with commas between them; or all.",
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
    chosen = parse_methods(methods)
    first, places = _choose_places(rooms, sessions, split, stream, visit)
    if more_views and not all(place.split for place in places):
        raise InputError("Only rendered rooms have views beside those of a session. Leave out --more-views.")
    config = load_config()
    plan = LearningPlan(
        student, expert, None if half else config.router.warm_up, chosen, config,
        cache_dir() / "learning" if out is None else out, home_every, review, more_views,
    )  # fmt: skip
    with crew(jobs) as workers:
        rows = list(_measure_rooms(plan, range(seed, seed + seeds), first, places, workers))
    if picture is not None:
        draw(rows, picture)
    if not as_json:
        console().print(methods_table(rows), "")
        rows = other_rows(rows)
    emit(Report("bench learning", seed, rows), json=as_json)


def _choose_places(
    rooms: int, sessions: Path | None, split: str, stream: str | None, visit: int | None
) -> tuple[list[Place], list[Place]]:
    """Rooms to visit first, and rooms to measure. Raises InputError."""
    first = list[Place]()
    if stream is not None:
        first, rest = stream_places(stream, visit, split)
        if first[0].session is not None and sessions is None:
            return first, rest
    elif visit is not None:
        raise InputError("--visit says how many rooms of a stream come first. Name one: --stream FOLDER")
    return first, session_places(sessions) if sessions else rendered_places(split, rooms)


def _measure_rooms(
    plan: LearningPlan, seeds: range, first: Sequence[Place], places: Sequence[Place], workers: Crew
) -> Iterator[Row]:
    """A stream of visits if there is one, then the rooms that are measured. What was done is kept."""
    streams = visit_rooms(plan, first, seeds, workers) if first else []
    starts = [legs[-1].start for legs in streams] or [Start()] * len(seeds)
    units = [
        Unit(place, seed, neighbours(places, number), start)
        for seed, start in zip(seeds, starts, strict=True)
        for number, place in enumerate(places)
    ]
    results = workers.do(partial(measure, plan), units, "rooms")
    about = {"visited": len(first)} if first else {}
    if results:
        yield from all_rows(results, seeds[0], **about)
    if streams:
        visits = [[leg.result() for leg in legs] for legs in streams]
        yield from stream_rows(visits, seeds[0])
        again = workers.do(partial(transfer, plan), streams, "asking again")
        yield from transfer_rows(visits, again, seeds[0])
