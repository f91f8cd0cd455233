"""`roomwise bench expert`: how many devices one expert serves, with batching and without."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import Progress

from agent.recording.visit import read_visit
from bench.measure.intervals import bootstrap_mean, bootstrap_percentile
from bench.measure.options import Json
from bench.measure.report import Report, Row, Value, emit, measured
from bench.rooms.sessions import make_session, write_session
from bench.serving.load import (
    FramedQuestion,
    QuestionCycle,
    Round,
    SignalRequest,
    all_signals,
    ask_together,
    expert_server,
)
from core.config import Config, load_config
from core.errors import ConfigError
from core.frames import read_frame
from models.remote.wire import sizes

app = typer.Typer(add_completion=False)
_ROOMS, _SIZE = 10, 224
_METHODS = {"batched": 32, "one by one": 1}


@app.command()
def expert(
    model: Annotated[str | None, typer.Option("--model", help="Default: expert.model.")] = None,
    clients: Annotated[str, typer.Option("--clients", help="How many at once, with commas.")] = "1,8,32",
    looks: Annotated[str, typer.Option("--looks", help="At each frame, one to five, with commas.")] = "1,5",
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="Of each kind, taking turns.")] = 4,
    questions: Annotated[int, typer.Option("--questions", min=1, help="A round, of all clients.")] = 96,
    signals: Annotated[
        bool, typer.Option("--signals/--words", help="Ask for teacher signals, or for words alone.")
    ] = True,
    transfer: Annotated[
        Path | None, typer.Option("--transfer", help="An autoencoder's folder: ask for its code as well.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the intervals.")] = 0,
    as_json: Json = False,
) -> None:
    """Ask an expert on this machine from many clients at once: one that batches, and one that does not.

    Both run as servers of their own; rounds take turns, so that whatever else the machine does hits both.
    Both get the same questions in the same order, each with a frame that the server has not seen. Of
    several looks at a frame each question is a batch already, so that batching gains less.

    Example: roomwise bench expert

    Example: roomwise bench expert --clients 1,32 --looks 1 --words --json
    """
    config = load_config()
    name = model if model is not None else config.expert.model
    request = SignalRequest() if not signals else all_signals(transfer)
    load = Load(_numbers("--clients", clients, 256), rounds, questions, request)
    counts, rows = _numbers("--looks", looks, 5), list[Row]()
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("asking", total=len(counts) * load.steps)
        for count in counts:
            rounds_by_method = _measure(name, count, _questions(config), load, lambda: progress.advance(bar))
            rows += report_rows(rounds_by_method, {"model": name, "looks": count}, seed)
    emit(Report("bench expert", seed, rows), json=as_json)


@dataclass(frozen=True)
class Load:
    """`questions` in each round, of so many `clients` together, several numbers of them in turn."""

    clients: Sequence[int]
    rounds: int
    questions: int
    request: SignalRequest

    @property
    def steps(self) -> int:
        """Rounds of all kinds."""
        return self.rounds * len(self.clients) * len(_METHODS)


def _measure(
    model: str, looks: int, questions: Sequence[FramedQuestion], load: Load, on_round: Callable[[], None]
) -> dict[tuple[str, int], list[Round]]:
    cycles = {method: QuestionCycle(questions) for method in _METHODS}
    results: dict[tuple[str, int], list[Round]] = {}
    with ExitStack() as stack:
        servers = {
            method: stack.enter_context(expert_server(model, looks, batch, load.request.transfer))
            for method, batch in _METHODS.items()
        }
        for method, address in servers.items():
            ask_together(address, cycles[method], 4, 4, load.request)  # a process's first passes are slower
        for number, clients in product(range(load.rounds), load.clients):
            for method, address in list(servers.items())[:: 1 if number % 2 == 0 else -1]:
                share = max(1, load.questions // clients)
                result = ask_together(address, cycles[method], clients, share, load.request)
                results.setdefault((method, clients), []).append(result)
                on_round()
    return results


def _numbers(option: str, text: str, most: int) -> list[int]:
    """Whole numbers from 1 to `most`, with commas between. Raises ConfigError."""
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if not numbers or not all(1 <= number <= most for number in numbers):
        raise ConfigError(f"{option} is {text!r}. Give numbers from 1 to {most}, with commas between.")
    return numbers


def _questions(config: Config) -> list[FramedQuestion]:
    """Of several rendered rooms, room by room in turn."""
    rooms = []
    with tempfile.TemporaryDirectory() as folder:
        for index in range(_ROOMS):
            path = Path(folder) / str(index)
            write_session(make_session("test", index, _SIZE), path)
            turns = read_visit(path).turns
            limit = config.images.max_pixels
            rooms.append([
                FramedQuestion(read_frame(turn.frame, limit).jpeg, turn.question) for turn in turns
            ])
    return [question for together in zip(*rooms, strict=False) for question in together]


Rounds = Mapping[tuple[str, int], Sequence[Round]]
"""By method ("batched", "one by one") and number of clients."""


def report_rows(rounds: Rounds, about: Mapping[str, Value], seed: int) -> list[Row]:
    """Questions a second over rounds, p50 and p95 of what a client waits, ratios of paired rounds, bytes."""
    rows: list[Row] = []
    for (method, clients), results in rounds.items():
        identity: dict[str, Value] = {**about, "method": method, "clients": clients}
        rates = [result.throughput for result in results]
        rows.append(measured(bootstrap_mean(rates, seed=seed), metric="questions_per_s", **identity))
        times = np.array([seconds for result in results for seconds in result.times]) * 1000
        for percentile in (50, 95):
            interval = bootstrap_percentile(times, percentile, seed=seed)
            statistic = f"p{percentile}"
            rows.append(measured(interval, metric="latency_ms", statistic=statistic, **identity))
    rows += _ratios(rounds, about, seed)
    return rows + _bytes(rounds, about, seed)


def _ratios(rounds: Rounds, about: Mapping[str, Value], seed: int) -> list[Row]:
    rows = []
    for clients in sorted({clients for _, clients in rounds}):
        batched, single = (rounds.get((method, clients), ()) for method in ("batched", "one by one"))
        pairs = [ours.throughput / theirs.throughput for ours, theirs in zip(batched, single, strict=True)]
        if pairs:
            identity: dict[str, Value] = {**about, "method": "batched / one by one", "clients": clients}
            rows.append(measured(bootstrap_mean(pairs, seed=seed), metric="ratio", **identity))
    return rows


def _bytes(rounds: Rounds, about: Mapping[str, Value], seed: int) -> list[Row]:
    """Bytes a question by what they are for."""
    parts: dict[str, list[int]] = {}
    for body in (body for results in rounds.values() for result in results for body in result.bodies):
        for part, size in sizes(body).items():
            parts.setdefault(part, []).append(size)
    return [
        measured(bootstrap_mean(counts, seed=seed), metric="bytes", part=part, **about)
        for part, counts in parts.items()
    ]
