"""`roomwise bench learning`: what a student gains from ten answers, through the very loop that people use.

Every room is replayed by `agent.session`: the expert answers the warm-up, a job adapts the student, and after
that every method answers the same questions. Rows name a `method` and a `tag`; `half` is always `after`.
A room that is done is kept in --out and is not done again.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from rich.console import Console
from rich.progress import Progress

from agent.session import replay_session
from agent.summary import ALL, METHODS
from bench.intervals import bootstrap_mean, paired_difference
from bench.report import Report, Row, emit, measured
from bench.rooms.sessions import make_session, write_session
from core.config import load_config
from core.errors import InputError
from core.events import AdaptationEnded
from core.files import atomic_write_text, cache_dir

app = typer.Typer(add_completion=False)
_SIZE = 224
_FILE = "turns.json"


@dataclass(frozen=True)
class Plan:
    """What is measured; also names the folder in which finished rooms are kept."""

    student: str
    expert: str | None
    """None: as it fits each session."""
    warm_up: int
    seed: int
    out: Path


@dataclass(frozen=True)
class Outcome:
    """One question after a warm-up: its room, its tag, which methods were right."""

    room: str
    tag: str
    right: dict[str, bool]


@dataclass(frozen=True)
class Adaptation:
    """One training child: how long it took, whether its adapter answers, how many old answers that keeps."""

    seconds: float
    promoted: bool
    kept: float


@dataclass(frozen=True)
class Visited:
    """What came of one room."""

    outcomes: list[Outcome]
    adaptations: list[Adaptation]


@app.command()
def learning(
    rooms: Annotated[int, typer.Option("--rooms", min=1, help="Rendered test rooms.")] = 50,
    sessions: Annotated[
        Path | None, typer.Option("--sessions", help="Folder of session folders, in place of rendered rooms.")
    ] = None,
    student: Annotated[str, typer.Option("--student", help="A model's name or folder.")] = "builtin-student",
    expert: Annotated[
        str | None,
        typer.Option(
            "--expert",
            help="A model, or recorded: the answers in the sessions. Default: what fits, as in replay.",
        ),
    ] = None,
    split: Annotated[str, typer.Option("--split", help="validation or test.")] = "test",
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of adapting, and of the intervals.")] = 0,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Rooms at a time.")] = 2,
    out: Annotated[Path | None, typer.Option("--out", help="Where finished rooms are kept.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Let the student learn ten answers in each of many rooms, and compare what it says after.

    Example: roomwise bench learning --rooms 50 --json

    Example: roomwise bench learning --sessions recordings --json
    """
    config = load_config()
    kept = (
        out
        if out is not None
        else cache_dir() / "learning" / f"{sessions.name if sessions else split}-{seed}"
    )
    plan = Plan(student, expert, config.router.warm_up, seed, kept)
    make = partial(_given_room, plan) if sessions else partial(_rendered_room, plan, split)
    places: list[Any] = _folders(sessions) if sessions else list(range(rooms))
    visited = list(_in_parallel(make, places, jobs))
    outcomes = [one for room in visited for one in room.outcomes]
    adaptations = [one for room in visited for one in room.adaptations]
    found = [*rows(outcomes, seed), *costs(adaptations, seed)]
    emit(Report("bench learning", seed, found), json=as_json)


def rows(outcomes: Sequence[Outcome], seed: int) -> Iterator[Row]:
    """Exact match of every method by tag, and what adapting gains over the others on the same questions."""
    tags = [ALL, *sorted({one.tag for one in outcomes} - {ALL})]
    for tag in tags:
        counted = [one for one in outcomes if tag in (ALL, one.tag)]
        groups = [one.room for one in counted]
        for method in METHODS:
            if all(method in one.right for one in counted):
                interval = bootstrap_mean([one.right[method] for one in counted], groups, seed=seed)
                yield measured(interval, method=method, tag=tag, half="after", metric="exact")
        for other in ("untouched", "memory"):
            interval = paired_difference(
                [one.right["adapted"] for one in counted], [one.right[other] for one in counted], groups,
                seed=seed,
            )  # fmt: skip
            yield measured(
                interval, method="adapted", against=other, tag=tag, half="after", metric="exact difference"
            )


def costs(adaptations: Sequence[Adaptation], seed: int) -> Iterator[Row]:
    """What adapting took and what it left of the student's old answers, as means over jobs."""
    values: dict[str, list[float]] = {
        "job_s": [one.seconds for one in adaptations],
        "promoted": [one.promoted for one in adaptations],
        "probe answers kept": [one.kept for one in adaptations],
    }
    for metric, numbers in values.items():
        if numbers:
            yield measured(bootstrap_mean(numbers, seed=seed), method="adapted", metric=metric)


def _folders(sessions: Path) -> list[Path]:
    found = sorted(path.parent for path in sessions.glob("*/session.json"))
    if not found:
        raise InputError(f"There is no session folder in {sessions}. Check the path.")
    return found


def _in_parallel(make: Callable[[Any], Visited], places: Sequence[Any], jobs: int) -> Iterator[Visited]:
    with (
        ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as workers,
        Progress(console=Console(stderr=True), transient=True) as progress,
    ):
        yield from progress.track(workers.map(make, places), total=len(places), description="rooms")


def _rendered_room(plan: Plan, split: str, index: int) -> Visited:
    folder = plan.out / f"{split}-{index}"
    if not (folder / _FILE).is_file() and not (folder / "visit").is_dir():
        write_session(make_session(split, index, _SIZE), folder / "visit")
    return _replayed(plan, folder / "visit", folder)


def _given_room(plan: Plan, session: Path) -> Visited:
    return _replayed(plan, session, plan.out / session.name)


def _replayed(plan: Plan, session: Path, folder: Path) -> Visited:
    about: dict[str, Any] = {
        "student": plan.student,
        "expert": plan.expert,
        "warm_up": plan.warm_up,
        "seed": plan.seed,
    }
    kept = _kept(folder / _FILE, about)
    if kept is None:
        torch.set_num_threads(1)
        run = folder / f"run-{os.getpid()}"
        summary = replay_session(
            session, plan.student, plan.expert, plan.warm_up, plan.seed, run, load_config(), quiet=True
        )
        kept = {
            "turns": [
                {"tag": turn.tag or ALL, "right": turn.others} for turn in summary.turns if turn.others
            ],
            "adaptations": [_told(ended) for ended in summary.adaptations],
        }
        atomic_write_text(folder / _FILE, json.dumps({**about, **kept}) + "\n")
    outcomes = [Outcome(folder.name, turn["tag"], turn["right"]) for turn in kept["turns"]]
    return Visited(outcomes, [Adaptation(**told) for told in kept["adaptations"]])


def _told(ended: AdaptationEnded) -> dict[str, Any]:
    kept = ended.scores.get("candidate.probe.exact", 0.0)
    return {"seconds": ended.seconds, "promoted": ended.promoted, "kept": kept}


def _kept(path: Path, about: dict[str, Any]) -> dict[str, Any] | None:
    """What is known of a room that was done before in the same way."""
    if not path.is_file():
        return None
    told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return told if about.items() <= told.items() and "adaptations" in told else None
