"""`roomwise bench takeover`: the command."""

from pathlib import Path
from typing import Annotated

import typer

from bench.measure.charts import PictureOption
from bench.measure.options import Json, ReplayExpert, ReplaySeed, RoomJobs, Rooms, Sessions, Student
from bench.measure.report import emit
from bench.takeover.wanted import TakeOverOptions
from core.config import load_config

app = typer.Typer(add_completion=False)

_Path = Path | None
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
    calibration: Annotated[_Path, _CALIBRATION] = None,
    agreement: Annotated[float | None, _AGREEMENT] = None,
    student: Student = "builtin-student",
    expert: ReplayExpert = None,
    seed: ReplaySeed = 0,
    jobs: RoomJobs = 2,
    out: Annotated[_Path, _OUT] = None,
    picture: PictureOption = None,
    as_json: Json = False,
) -> None:
    """Compare how often the student agrees with the expert, where it answers, with what was requested.

    Example: roomwise bench takeover --fit --rooms 40

    Example: roomwise bench takeover --rooms 50 --agreement 0.8 --picture takeover.png --json
    """
    from bench.takeover.bench import bench

    wanted = TakeOverOptions(
        rooms=rooms, sessions=sessions, split=split, fit=fit, calibration=calibration, agreement=agreement,
        student=student, expert=expert, seed=seed, jobs=jobs, out=out, picture=picture,
    )  # fmt: skip
    emit(bench(wanted, load_config()), json=as_json)
