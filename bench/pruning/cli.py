"""`roomwise bench pruning`: the language model's time against the share of vision tokens that is kept."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from bench.measure.charts import PictureOption, draw
from bench.measure.intervals import Interval, bootstrap_percentile, ratio_of_medians
from bench.measure.options import Json, Threads
from bench.measure.report import Report, Row, Value, emit, interval_of, measured
from bench.pair.latency import QUESTIONS, made_up_picture
from bench.pruning.sizes import SIZES, write_size
from core.config import load_config
from core.errors import InputError
from core.text import did_you_mean
from models.decoding import greedy
from models.registry import load_model
from models.token_pruning import BY, WAYS, By, Pruning, Rule
from models.vlm import Pruner, VisionLanguageModel, VisionTokens

WARM_UPS = 3


@dataclass(frozen=True)
class ShareTimes:
    """By share, milliseconds [repeats] to the first token, to the last, and of all threads' processor time,
    which other programs do not lengthen; and how many vision tokens the language model read.
    """

    prefill: dict[float, NDArray[np.float64]]
    whole: dict[float, NDArray[np.float64]]
    processor: dict[float, NDArray[np.float64]]
    tokens: dict[float, int]


def time_answers(
    vlm: VisionLanguageModel,
    vision: VisionTokens,
    questions: Sequence[str],
    shares: Sequence[float],
    repeats: int,
    length: int,
    by: By,
    seed: int,
    on_repeat: Callable[[], None],
) -> ShareTimes:
    """Every repeat asks one question at all shares in a random order, after warm-ups.

    An answer has `length` tokens whatever they are. Choosing the vision tokens is part of the time.
    """
    rng = np.random.default_rng(seed)
    prefill, whole, processor = ({share: np.empty(repeats) for share in shares} for _ in range(3))
    tokens = {}
    for number in range(-WARM_UPS, repeats):
        question = questions[number % len(questions)]
        for share in rng.permutation(np.array(shares)).tolist():
            pruner = None if share >= 1 else Pruning(Rule(share=share), by)
            spent = time.process_time()
            first, last = _time_tokens(vlm, vision, question, pruner, length)
            if number >= 0:
                prefill[share][number], whole[share][number] = first, last
                processor[share][number] = 1000 * (time.process_time() - spent)
        on_repeat()
    for share in shares:
        part = None if share >= 1 else Pruning(Rule(share=share), by)(vlm, vision, questions[:1])
        tokens[share] = int((part or vision).tokens.shape[1])
    return ShareTimes(prefill, whole, processor, tokens)


def _time_tokens(
    vlm: VisionLanguageModel, vision: VisionTokens, question: str, pruner: Pruner | None, length: int
) -> tuple[float, float]:
    began = time.perf_counter()
    times = []
    with torch.inference_mode(), vlm.pruned_by(pruner):
        for _ in greedy(vlm.begin(vision, [question]), (), length):
            if vlm.device.type == "cuda":
                torch.cuda.synchronize(vlm.device)
            times.append(1000 * (time.perf_counter() - began))
    return times[0], times[-1]


def timing_rows(model: str, timing: ShareTimes, seed: int) -> list[Row]:
    """Medians with 95 % intervals, and how many times faster than with all tokens: medians of the same draws.

    `share` 1 must be among them.
    """
    rows: list[Row] = []
    for share in timing.whole:
        about: dict[str, Value] = {"model": model, "share": share, "vision_tokens": timing.tokens[share]}
        series = {"language_ms": timing.whole, "prefill_ms": timing.prefill, "processor_ms": timing.processor}
        for metric, times in series.items():
            rows.append(measured(bootstrap_percentile(times[share], 50, seed=seed), metric=metric, **about))
        for metric, times in (("times_faster", timing.whole), ("times_less_work", timing.processor)):
            ratio = ratio_of_medians(times[1.0], times[share], seed=seed)
            rows.append(measured(ratio, metric=metric, **about))
    return rows


SHARES = (1.0, 0.75, 0.5, 0.25)
_TOWER_RUNS = 3
"""How often the tower is timed."""

app = typer.Typer(add_completion=False)


@app.command()
def pruning(
    model: Annotated[
        str | None, typer.Option("--model", help="A name or folder. Default: student.model.")
    ] = None,
    size: Annotated[
        str | None, typer.Option("--size", help=f"Random weights instead: {', '.join(SIZES)}.")
    ] = None,
    write: Annotated[Path | None, typer.Option("--write", help="Where they are kept, for --model.")] = None,
    share: Annotated[list[float] | None, typer.Option("--share", help="Of tokens kept; repeatable.")] = None,
    by: Annotated[str, typer.Option("--by", help=f"What tells which: {', '.join(WAYS)}.")] = BY,
    length: Annotated[int, typer.Option("--length", min=1, help="Tokens of every answer.")] = 8,
    repeats: Annotated[int, typer.Option("--repeats", min=2, help="Answers timed of each share.")] = 10,
    threads: Threads = 2,
    picture: PictureOption = None,
    seed: Annotated[int, typer.Option("--seed", help="For weights, order and intervals.")] = 0,
    as_json: Json = False,
) -> None:
    """Time answers of one length with all vision tokens and with fewer, turn by turn.

    `times_faster` compares medians of the language model alone, the choice of tokens included; what the
    vision tower takes before is the row `vision_ms`, and stays the same. `times_less_work` compares what the
    processor spent, which holds on a machine that is not idle; trust it with --threads 1.

    Example: roomwise bench pruning --size florence-2-base --repeats 10
    """
    shares = _shares(share or SHARES)
    kind = _by(by)
    torch.set_num_threads(threads)
    with TemporaryDirectory() as spare:
        vlm = load_model(_model_name(model, size, write, Path(spare), seed))
        vlm.name = size or vlm.name
        vision, tower = _time_tower(vlm, seed)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("answers", total=repeats + WARM_UPS)
        timing = time_answers(
            vlm, vision, QUESTIONS, shares, repeats, length, kind, seed, lambda: progress.advance(bar)
        )
    rows = [measured(tower, metric="vision_ms", model=vlm.name), *timing_rows(vlm.name, timing, seed)]
    rows = [{**row, "by": kind, "length": length, "threads": threads} for row in rows]
    if picture is not None:
        _draw(picture, vlm.name, rows)
    emit(Report("bench pruning", seed, rows), json=as_json)


def _shares(requested: Sequence[float]) -> tuple[float, ...]:
    """All first, then what was wished. Raises InputError for what is no share, before anything is loaded."""
    return tuple(dict.fromkeys((1.0, *(Rule(share=candidate).share or 1.0 for candidate in requested))))


def _by(name: str) -> By:
    way = next((way for way in WAYS if way == name), None)
    if way is None:
        raise InputError(f"There is no importance {name!r}. {did_you_mean(name, WAYS)}")
    return way


def _model_name(model: str | None, size: str | None, write: Path | None, spare: Path, seed: int) -> str:
    """The model to load; random weights are written first. Raises InputError, StorageError."""
    if size is None:
        if write is not None:
            raise InputError("--write keeps the weights of a size. Name one: --size florence-2-base")
        return model if model is not None else load_config().student.model
    if model is not None:
        raise InputError("--model and --size are two models. Give one of them.")
    return str(write_size(size, spare / "model" if write is None else write, seed))


def _time_tower(vlm: VisionLanguageModel, seed: int) -> tuple[VisionTokens, Interval]:
    """The vision tokens of a picture, and milliseconds of making them."""
    pixels = vlm.prepare([made_up_picture(seed)])
    times = []
    for _ in range(_TOWER_RUNS + 1):
        began = time.perf_counter()
        vision = vlm.encode_constant(pixels)
        times.append(1000 * (time.perf_counter() - began))
    return vision, bootstrap_percentile(times[1:], 50, seed=seed)


def _draw(path: Path, name: str, rows: Sequence[Row]) -> None:
    ordered = sorted(rows, key=lambda row: float(row.get("share") or 0))
    lines = {
        metric: [(float(row["share"] or 0), interval_of(row)) for row in ordered if row["metric"] == metric]
        for metric in ("language_ms", "prefill_ms")
    }
    draw(path, f"{name}: language model", ("share of vision tokens kept", "milliseconds"), lines)
