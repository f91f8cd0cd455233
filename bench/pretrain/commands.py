"""What the commands of `cli` do, once torch may be loaded."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from bench.pretrain.export import export
from bench.pretrain.loop import Limits
from bench.pretrain.recipes import RECIPES
from bench.pretrain.train import adjusted, open_run, train


@dataclass(frozen=True)
class PretrainOptions:
    """What was typed. `steps` belong to the stage asked for; `minutes` are for this call."""

    name: str
    data: Path
    run: Path
    output: Path | None = None
    stage: str | None = None
    steps: int | None = None
    minutes: float | None = None
    seed: int = 0
    threads: int = 1
    quiet: bool = False


def pretrain(wish: PretrainOptions) -> tuple[dict[str, Any], bool]:
    """Train, and export once all stages are done; a summary, and whether a signal ended it."""
    with _quick_numbers(wish.threads):
        return _pretrain(wish)


@contextmanager
def _quick_numbers(threads: int) -> Iterator[None]:
    """So many threads, and tiny numbers as zero, which they soon are; afterwards as it was.

    Whoever shares the process must not find other arithmetic than it had.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
        torch.set_num_threads(before)


def _pretrain(wish: PretrainOptions) -> tuple[dict[str, Any], bool]:
    console = Console(stderr=True, quiet=wish.quiet, soft_wrap=True)
    steps = {wish.stage: wish.steps} if wish.stage and wish.steps else {}
    run, moments = open_run(adjusted(RECIPES[wish.name], steps, wish.seed), wish.run, wish.data)
    limits = Limits(seconds=60 * wish.minutes if wish.minutes is not None else float("inf"))
    finished = train(run, moments, limits, console, wish.stage)
    scores = {}
    if finished and run.progress.stage == run.recipe.stages[-1].name:
        scores = export(run, wish.output or wish.run / "model")
    progress = run.progress
    summary = {
        "model": wish.name, "finished": finished, "stage": progress.stage, "step": progress.step,
        "steps": progress.steps, "items": progress.items, "seconds": progress.seconds,
        "rooms": progress.rooms,
        "scores": _values(scores),
    }  # fmt: skip
    return summary, limits.stopping


def export_run(wish: PretrainOptions, rooms: int) -> dict[str, Any]:
    """Write the model as the run's checkpoint has it."""
    torch.set_num_threads(wish.threads)
    run, _ = open_run(adjusted(RECIPES[wish.name], {}, wish.seed), wish.run, wish.data)
    output = wish.output or wish.run / "model"
    scores = export(run, output, rooms)
    return {"model": wish.name, "output": str(output), "scores": _values(scores)}


def _values(scores: dict[str, tuple[float, int]]) -> dict[str, float]:
    return {name: value for name, (value, _) in scores.items()}
