"""The whole measurement: a stream of visits if there is one, then the rooms that are measured, then rows."""

from collections.abc import Iterator, Sequence
from functools import partial

from bench.learning.methods import LearningOptions
from bench.learning.places import Place, given, neighbours, rendered, stream
from bench.learning.plan import LearningPlan, Start, Unit
from bench.learning.result import all_rows, draw, stream_rows, transfer_rows
from bench.learning.stream import Leg, streamed, transfer
from bench.learning.unit import measure
from bench.measure.crew import Crew, crew
from bench.measure.report import Report, Row
from core.config import Config
from core.errors import InputError
from core.files import cache_dir


def bench(wanted: LearningOptions, config: Config) -> Report:
    """Do all that is not done yet, and report. Raises RoomwiseError; what was done is kept."""
    first, places = _places(wanted)
    if wanted.more_views and not all(place.split for place in places):
        raise InputError("Only rendered rooms have views beside those of a session. Leave out --more-views.")
    folder = cache_dir() / "learning" if wanted.out is None else wanted.out
    warm_up = None if wanted.half else config.router.warm_up
    plan = LearningPlan(
        wanted.student, wanted.expert, warm_up, wanted.methods, config, folder, wanted.home_every,
        wanted.review, wanted.more_views,
    )  # fmt: skip
    with crew(wanted.jobs) as workers:
        found = list(_measured(plan, wanted, first, places, workers))
    if wanted.picture is not None:
        draw(found, wanted.picture)
    return Report("bench learning", wanted.seed, found)


def _places(wanted: LearningOptions) -> tuple[list[Place], list[Place]]:
    """Rooms to visit first, and rooms to measure. Raises InputError."""
    if wanted.stream is None:
        if wanted.visit is not None:
            raise InputError("--visit says how many rooms of a stream come first. Name one: --stream FOLDER")
        return [], _asked_for(wanted)
    first, left = stream(wanted.stream, wanted.visit, wanted.split)
    whole_folder = first[0].session is not None and wanted.sessions is None
    return first, left if whole_folder else _asked_for(wanted)


def _asked_for(wanted: LearningOptions) -> list[Place]:
    return given(wanted.sessions) if wanted.sessions else rendered(wanted.split, wanted.rooms)


def _measured(
    plan: LearningPlan,
    wanted: LearningOptions,
    first: Sequence[Place],
    places: Sequence[Place],
    workers: Crew,
) -> Iterator[Row]:
    seeds = range(wanted.seed, wanted.seed + wanted.seeds)
    streams = streamed(plan, first, seeds, workers) if first else []
    starts = [legs[-1].start for legs in streams] or [Start()] * len(seeds)
    units = [
        Unit(place, seed, neighbours(places, number), start)
        for seed, start in zip(seeds, starts, strict=True)
        for number, place in enumerate(places)
    ]
    found = workers.do(partial(measure, plan), units, "rooms")
    about = {"visited": len(first)} if first else {}
    if found:
        yield from all_rows(found, wanted.seed, **about)
    if streams:
        yield from _of_streams(plan, streams, wanted.seed, workers)


def _of_streams(plan: LearningPlan, streams: Sequence[list[Leg]], seed: int, workers: Crew) -> Iterator[Row]:
    told = [[leg.measured() for leg in legs] for legs in streams]
    yield from stream_rows(told, seed)
    yield from transfer_rows(told, workers.do(partial(transfer, plan), streams, "asking again"), seed)
