"""`roomwise bench takeover`: rooms replayed, a calibration fitted to them or judged by them, then rows."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from agent.takeover.calibration import (
    Calibration,
    find_calibration,
    own_path,
    read_calibration,
    write_calibration,
)
from bench.learning.places import rendered_places, session_places
from bench.learning.plan import LearningPlan, Start, Unit, digest
from bench.measure.charts import PictureOption
from bench.measure.crew import crew
from bench.measure.options import Json, ReplayExpert, ReplaySeed, RoomJobs, Rooms, Sessions, Student
from bench.measure.report import Report, emit
from bench.takeover.calibrating import fit_calibration
from bench.takeover.picture import draw
from bench.takeover.rows import TakeOverScores, all_rows, in_use_rows
from bench.takeover.visits import Visited, replay_visit
from core.config import Config, load_config
from core.errors import InputError
from core.files import cache_dir
from models.lora import base_of

app = typer.Typer(add_completion=False)

_SPLIT = typer.Option("--split", help="validation or test. Default: test, with --fit validation.")
_FIT = typer.Option("--fit", help="Make a calibration of these rooms, and keep it.")
_CALIBRATION = typer.Option("--calibration", help="Its file. Default: where the student is used with it.")
_AGREEMENT = typer.Option(
    "--agreement", min=0, max=1, help="Replay the rooms once more with router.agreement at this rate."
)
_OUT = typer.Option("--out", help="Where replays are kept, and not done again; bench learning's serve too.")


@app.command()
def takeover(
    rooms: Rooms = 50,
    sessions: Sessions = None,
    split: Annotated[str | None, _SPLIT] = None,
    fit: Annotated[bool, _FIT] = False,
    calibration: Annotated[Path | None, _CALIBRATION] = None,
    agreement: Annotated[float | None, _AGREEMENT] = None,
    student: Student = "builtin-student",
    expert: ReplayExpert = None,
    seed: ReplaySeed = 0,
    jobs: RoomJobs = 2,
    out: Annotated[Path | None, _OUT] = None,
    picture: PictureOption = None,
    as_json: Json = False,
) -> None:
    """Compare how often the student agrees with the expert, where it answers, with what was requested.

    Example: roomwise bench takeover --fit --rooms 40

    Example: roomwise bench takeover --rooms 50 --agreement 0.8 --picture takeover.png --json
    """
    if fit and agreement is not None:
        raise InputError("--fit makes a calibration and --agreement judges one. Do one after the other.")
    judged = None if fit else read_known_calibration(student, calibration, agreement is not None)
    split = split or ("validation" if fit else "test")
    places = session_places(sessions) if sessions else rendered_places(split, rooms)
    units = [Unit(place, seed) for place in places]
    config = load_config()
    folder = cache_dir() / "learning" if out is None else out
    # As bench learning replays: asked for no agreement, so that the student answers everything.
    plan = LearningPlan(student, expert, config.router.warm_up, (), _with_agreement(config, 0.0), folder)
    with crew(jobs) as workers:
        visits = workers.do(partial(replay_visit, plan), units, "rooms")
        scores = _fit(visits, plan, seed, calibration) if judged is None else _judge(visits, judged)
        rows = list(all_rows(scores, seed))
        if judged is not None and agreement is not None:
            # Sessions in which the router decides; another calibration makes other sessions.
            start = Start(None, digest(asdict(judged)))
            again = [replace(unit, start=start) for unit in units]
            asking = replace(plan, config=_with_agreement(config, agreement))
            rows += in_use_rows(workers.do(partial(replay_visit, asking), again, "in use"), agreement, seed)
    if picture is not None:
        draw(scores, picture)
    emit(Report("bench takeover" + " --fit" * fit, seed, rows), json=as_json)


def read_known_calibration(student: str, path: Path | None, in_use: bool) -> Calibration:
    """The calibration to judge. Raises WeightsError, and InputError where sessions would use another one."""
    if path is None:
        return find_calibration(student)
    calibration = read_calibration(path, base_of(student))
    if in_use and find_calibration(student) != calibration:
        raise InputError(
            f"With --agreement sessions use the student's own calibration, not {path}. "
            "Leave --calibration out, or --agreement."
        )
    return calibration


def refuse_known(visits: Sequence[Visited], calibration: Calibration) -> None:
    """A calibration is not judged by rooms that it was fitted to. Raises InputError, which names one."""
    fitted_keys = set(calibration.about.get("rooms", ()))
    overlap = [visit.room for visit in visits if visit.key in fitted_keys]
    if overlap:
        raise InputError(
            f"The calibration was fitted to {len(overlap)} of these rooms, {overlap[0]} among them. "
            "Judge it by others: --split or --sessions."
        )


def _with_agreement(config: Config, agreement: float) -> Config:
    router = config.router.model_copy(update={"agreement": agreement})
    return config.model_copy(update={"router": router})


def _fit(visits: Sequence[Visited], plan: LearningPlan, seed: int, path: Path | None) -> TakeOverScores:
    """A calibration of these rooms, kept, and measured by what models that did not see a room say of it.

    Raises InputError for fewer than two rooms.
    """
    answers = [(answer, visit.key) for visit in visits for answer in visit.answers]
    keys = sorted({visit.key for visit in visits})
    if len(keys) < 2:
        raise InputError("A calibration needs two different rooms at least. Give more of them.")
    agrees, base = [answer.agrees for answer, _ in answers], base_of(plan.student)
    about = {
        "seed": seed, "plan": digest(plan.about()), "rooms": keys, "answers": len(answers),
        "agreed": sum(agrees),
    }  # fmt: skip
    evidence = [answer.evidence for answer, _ in answers]
    fit = fit_calibration(evidence, agrees, [key for _, key in answers], base.digest, about)
    write_calibration(fit.calibration, path or own_path(base))
    return TakeOverScores(visits, fit.left_out, fit.calibration)


def _judge(visits: Sequence[Visited], calibration: Calibration) -> TakeOverScores:
    refuse_known(visits, calibration)
    logits = [calibration.logit(answer.evidence) for visit in visits for answer in visit.answers]
    return TakeOverScores(visits, logits, calibration)
