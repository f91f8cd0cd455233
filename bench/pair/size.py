"""`roomwise bench size`: one round of learning at the size that people run, against peft with the Trainer.

The round is the agent's own, in a child, with everything that belongs to it. The baseline trains the same
layers, rank, pairs and rows a step, as the libraries do it: every row through the whole model. It is measured
on a few rows and extrapolated to as many steps, which ends at the same training loss.
"""

import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import torch
import typer

from adapters.jobs.job import read_progress, read_result, write_request
from adapters.jobs.request import Request
from bench.measure.intervals import bootstrap_mean, exactly
from bench.measure.options import Json, Threads
from bench.measure.report import Report, Row, Value, emit, measured
from bench.pair.real_size import florence_base, room_request
from bench.pair.trainer import seconds_of_rows
from core.errors import StorageError
from models.images import load_image
from models.registry import load_model

_MAX_PIXELS = 50_000_000
_ANSWERS = 5

app = typer.Typer(add_completion=False)


@app.command()
def size(
    side: Annotated[
        int, typer.Option("--side", min=64, help="Pixels of a picture, at Florence-2-base's size.")
    ] = 768,
    model: Annotated[Path | None, typer.Option("--model", help="Another checkpoint's folder.")] = None,
    seconds: Annotated[float, typer.Option("--seconds", min=1, help="As adaptation.seconds.")] = 360.0,
    threads: Threads = 2,
    baseline: Annotated[int, typer.Option("--baseline", min=2, help="Rows that peft trains.")] = 16,
    as_json: Json = False,
) -> None:
    """Time an answer and a round of learning, and count the memory that the round takes.

    Example: roomwise bench size --side 768

    Example: roomwise bench size --model ./my-student --seconds 120
    """
    torch.set_num_threads(threads)
    folder = florence_base(side) if model is None else model
    with TemporaryDirectory() as scratch:
        request = room_request(folder, Path(scratch) / "room", seconds, threads)
        rows = _rows(request, Path(scratch) / "job", baseline)
    about: dict[str, Value] = {"model": folder.name, "threads": threads}
    emit(Report("bench size", 0, [about | row for row in rows]), json=as_json)


def _rows(request: Request, job: Path, baseline: int) -> list[Row]:
    answers = _answers(request)
    result, peak = _round(request, job)
    per_row = seconds_of_rows(request, baseline)
    steps, rows_a_step = _trained(job, request)
    rows = [measured(bootstrap_mean(answers, seed=0), metric="answer_s", method="roomwise")]
    rows.append(measured(exactly(result), metric="round_s", method="roomwise"))
    rows.append(measured(exactly(peak / 1e9), metric="peak_gb", method="roomwise"))
    rows.append(measured(exactly(steps), metric="steps", method="roomwise"))
    extrapolated = [each * steps * rows_a_step for each in per_row]
    rows.append(measured(bootstrap_mean(extrapolated, seed=0), metric="round_s", method="peft, extrapolated"))
    if result:
        times = [each / result for each in extrapolated]
        rows.append(measured(bootstrap_mean(times, seed=0), metric="times_faster", method="than peft"))
    return rows


def _answers(request: Request) -> list[float]:
    """Seconds of whole answers, the first left out."""
    vlm = load_model(request.base)
    picture = load_image(request.train[0].image, _MAX_PIXELS)
    times = []
    for example in request.train[: _ANSWERS + 1]:
        began = time.perf_counter()
        vlm.answer(picture, example.question, 8)
        times.append(time.perf_counter() - began)
    return times[1:]


def _round(request: Request, job: Path) -> tuple[float, int]:
    """Seconds of the job in a child, and the most bytes that it took. Raises StorageError if it failed."""
    job.mkdir()
    write_request(job, request)
    env = {**os.environ, "OMP_NUM_THREADS": str(request.limits.threads)}
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "adapters.worker", str(job)], env=env, check=False)
    seconds = time.perf_counter() - began
    result = read_result(job)
    if result is None or not result.steps:
        raise StorageError(f"The round came to nothing: {result.reason if result else 'it died'}")
    return seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024


def _trained(job: Path, request: Request) -> tuple[int, int]:
    """The steps that were made, and the rows of each."""
    steps = max((line["step"] for line, _ in read_progress(job) if "step" in line), default=0)
    recipe, pairs = request.recipe, len(request.train) + len(request.hold_out)
    return steps, min(recipe.batch, pairs) + min(recipe.extra, len(request.extra)) + recipe.anchors
