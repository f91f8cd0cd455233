"""`roomwise bench adapting`: one adaptation to a room, and how long answers take while it runs.

The pairs are the expert's answers to the warm-up of a session and to the agent's own questions; the job is
the one that the agent starts, gate included, in a child of its own. Whole turns are timed (memory is
searched, then the student answers) before the job, while it runs, and after it; a person's pause lies
between two of them.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import numpy as np
import torch
import typer
from numpy.typing import NDArray

from adapters.jobs.request import JobLimits, Result
from adapters.jobs.store import AdapterStore
from agent.learning.jobs import Job, start
from agent.learning.room import room_request
from agent.recording.visit import DEMO, Visit, VisitTurn, read_visit
from agent.turns.answerers import Answerers, Room
from agent.turns.interviewer import Interviewer
from agent.turns.turn import Inquiry, take_turn
from bench.measure.intervals import DRAWS, bootstrap_mean, drawn_interval, exactly
from bench.measure.options import Json, ReplaySeed
from bench.measure.report import Report, Row, Value, emit, measured
from core.config import Config, load_config
from core.errors import InputError
from core.frames import read_frame
from memory.store import Memory
from models.embedder import room_embedder
from models.expert import LocalExpert
from models.registry import load_model

_PAUSE = 0.25  # seconds; shorter than a person's, so that there are turns enough to measure
_WARM_UPS = 5

app = typer.Typer(add_completion=False)

Times = NDArray[np.float64]


@dataclass(frozen=True)
class AdaptingTimes:
    """Milliseconds of turns with nothing beside them and of those beside the job, and how that ended.

    `asking` are seconds that the agent's own questions took, after each turn of the warm-up.
    """

    idle: Times
    beside: Times
    result: Result
    asking: Times


@app.command()
def adapting(
    session: Annotated[Path, typer.Option("--session", help="A session folder. Default: the demo.")] = DEMO,
    turns: Annotated[int, typer.Option("--turns", min=2, help="To time before the job and after it.")] = 40,
    seed: ReplaySeed = 0,
    as_json: Json = False,
) -> None:
    """Time one adaptation, and the answers that are given meanwhile.

    Example: roomwise bench adapting --json
    """
    config = load_config()
    visit = read_visit(session)
    if len(visit.turns) <= config.router.warm_up:
        raise InputError(f"{session} has no question after the warm-up. Choose a longer session.")
    with TemporaryDirectory() as scratch:
        timing = measure(visit, Path(scratch), turns, seed, config)
    emit(Report("bench adapting", seed, rows(timing, config.student.model, seed)), json=as_json)


def measure(visit: Visit, folder: Path, turns: int, seed: int, config: Config) -> AdaptingTimes:
    """Let the expert answer the warm-up, then time turns before, beside and after a job for its answers."""
    student = load_model(config.student.model)
    with Memory.open(folder / "memory", room_embedder(student)) as memory:
        answerers, room = Answerers("bench", student, None, memory, config), Room(visit.room)
        asking = _warm_up(answerers, room, visit, config)
        inquiries = _cycle(visit.turns[config.router.warm_up :], config.images.max_pixels)
        time_turn = partial(_time_turn, answerers, room, inquiries)
        for _ in range(_WARM_UPS):
            time_turn()
        before = [time_turn() for _ in range(turns)]
        store, limits = AdapterStore(folder / "adapters"), JobLimits(seconds=config.adaptation.seconds)
        job = start(folder / "jobs", room_request(memory, visit.room, student.name, store, limits, seed))
        result, beside = _time_beside(job, time_turn)
        after = [time_turn() for _ in range(turns)]
    return AdaptingTimes(np.array(before + after), np.array(beside), result, np.array(asking))


def rows(timing: AdaptingTimes, model: str, seed: int) -> list[Row]:
    """Seconds of the job, medians of both kinds of turns, and their ratio, with 95 % intervals over turns."""
    rng = np.random.default_rng(seed)
    about: dict[str, Value] = {"model": model, "threads": torch.get_num_threads()}
    result = timing.result
    asking = bootstrap_mean(timing.asking.tolist(), seed=seed)
    result_rows = [
        measured(exactly(result.seconds), metric="job_s", method=result.outcome, **about),
        measured(asking, metric="asking_s", method="after a turn of the warm-up", **about),
    ]
    drawn = {}
    for name, times in (("idle", timing.idle), ("adapting", timing.beside)):
        drawn[name] = np.median(times[rng.integers(0, len(times), (DRAWS, len(times)))], axis=1)
        interval = drawn_interval(float(np.median(times)), drawn[name], len(times))
        result_rows.append(measured(interval, metric="latency_ms", method=name, statistic="p50", **about))
    ratio = float(np.median(timing.beside) / np.median(timing.idle))
    interval = drawn_interval(ratio, drawn["adapting"] / drawn["idle"], len(timing.beside))
    result_rows.append(measured(interval, metric="ratio", method="adapting / idle", statistic="p50", **about))
    return result_rows


def _warm_up(answerers: Answerers, room: Room, visit: Visit, config: Config) -> list[float]:
    """Let the expert answer the first questions and the agent's own, remember that, and take the expert away.

    Returns the seconds that the agent's own questions took, turn by turn.
    """
    vlm = load_model(config.expert.model, attention="eager")
    answerers.expert = LocalExpert(vlm, config.student.max_new_tokens, config.expert.looks)
    seconds: list[float] = []
    for number, turn in enumerate(visit.turns[: config.router.warm_up], start=1):
        inquiry = Inquiry(number, turn.question, read_frame(turn.frame, config.images.max_pixels))
        take_turn(answerers, room, inquiry, config.router.warm_up, _ignore)
        began = time.monotonic()
        Interviewer(answerers, lambda turn: room.name, config.router.warm_up, [number], _ignore).run()
        seconds.append(time.monotonic() - began)
    answerers.expert = None
    return seconds


def _cycle(turns: Sequence[VisitTurn], max_pixels: int) -> Iterator[Inquiry]:
    """These questions again and again."""
    inquiries = [
        Inquiry(100 + n, turn.question, read_frame(turn.frame, max_pixels)) for n, turn in enumerate(turns)
    ]
    while True:
        yield from inquiries


def _time_turn(answerers: Answerers, room: Room, inquiries: Iterator[Inquiry]) -> float:
    """The milliseconds of the next turn that the student answers, after a pause."""
    while True:
        time.sleep(_PAUSE)
        answer = take_turn(answerers, room, next(inquiries), 0, _ignore)
        if answer.by == "student":  # memory answers sooner, whatever runs beside
            return answer.latency_ms


def _time_beside(job: Job, time_turn: "partial[float]") -> tuple[Result, list[float]]:
    times: list[float] = []
    try:
        while (result := job.poll()) is None:
            times.append(time_turn())
    finally:
        job.stop()
    return result, times


def _ignore(event: Any, /, **values: Any) -> None:
    return None
