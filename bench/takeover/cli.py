"""`roomwise bench takeover`: the command."""

from pathlib import Path
from typing import Annotated

import typer

from bench.charts import PictureOption
from bench.options import SessionsOption, TellingOption
from bench.report import emit
from bench.takeover.wanted import Wanted
from core.config import load_config
from core.extras import load

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
    rooms: Annotated[int, typer.Option("--rooms", min=1, help="Rendered rooms.")] = 50,
    sessions: SessionsOption = None,
    split: Annotated[str | None, _SPLIT] = None,
    fit: Annotated[bool, _FIT] = False,
    calibration: Annotated[_Path, _CALIBRATION] = None,
    agreement: Annotated[float | None, _AGREEMENT] = None,
    student: Annotated[str, typer.Option("--student", help="A model's name or folder.")] = "builtin-student",
    expert: TellingOption = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of adapting, and of the intervals.")] = 0,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Rooms at a time.")] = 2,
    out: Annotated[_Path, _OUT] = None,
    picture: PictureOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compare how often the student agrees with the expert, where it answers, with what was requested.

    Example: roomwise bench takeover --fit --rooms 40

    Example: roomwise bench takeover --rooms 50 --agreement 0.8 --picture takeover.png --json
    """
    wanted = Wanted(
        rooms, sessions, split, fit, calibration, agreement, student, expert, seed, jobs, out, picture
    )
    emit(load("bench.takeover.bench:bench")(wanted, load_config()), json=as_json)
