"""`roomwise bench layers`: large linear layers over one row or a few, ours against torch's own.

Both take turns over the same weights, of which there are enough that no cache holds them all, as in a model.
"""

import time
from collections.abc import Callable
from typing import Annotated

import torch
import typer
from torch.nn.functional import linear

from bench.measure.intervals import bootstrap_percentile, bootstrap_ratio
from bench.measure.options import Json
from bench.measure.report import Report, Row, emit, measured
from models.few_rows import MOST, matmul_in_parts

SHAPES = ((51_289, 768), (3072, 768), (768, 3072), (768, 768))
"""Weights [out, in] of Florence-2-base's head and decoder."""
_BYTES = 200_000_000
_WARM_UPS = 2

app = typer.Typer(add_completion=False)


@app.command()
def layers(
    rows: Annotated[list[int] | None, typer.Option("--rows", min=1, max=MOST, help="Rows at a time.")] = None,
    repeats: Annotated[int, typer.Option("--repeats", min=2, help="Timings of each.")] = 20,
    seed: Annotated[int, typer.Option("--seed", help="Of weights and intervals.")] = 0,
    as_json: Json = False,
) -> None:
    """Time linear layers of Florence-2-base's shapes for one token or a few, as answering uses them.

    Example: roomwise bench layers --rows 1 --rows 4
    """
    torch.manual_seed(seed)
    found: list[Row] = []
    with torch.inference_mode():
        for shape in SHAPES:
            weights = [torch.randn(shape) for _ in range(max(1, _BYTES // (4 * shape[0] * shape[1])))]
            for count in rows or [1, 4]:
                found += _rows(weights, torch.randn(count, shape[1]), repeats, seed)
    emit(Report("bench layers", seed, found), json=as_json)


def _rows(weights: list[torch.Tensor], x: torch.Tensor, repeats: int, seed: int) -> list[Row]:
    threads = torch.get_num_threads()
    ours = _timer(lambda: [matmul_in_parts(x, weight, threads) for weight in weights])
    plain = _timer(lambda: [linear(x, weight) for weight in weights])
    for _ in range(_WARM_UPS):
        ours(), plain()
    times = [(ours(), plain()) for _ in range(repeats)]
    mine, theirs = [a for a, _ in times], [b for _, b in times]
    name = " x ".join(map(str, weights[0].shape))
    identity: Row = {"layer": name, "rows": len(x), "threads": threads}
    return [
        identity | measured(bootstrap_percentile(mine, 50, seed=seed), metric="ms", method="parts"),
        identity | measured(bootstrap_percentile(theirs, 50, seed=seed), metric="ms", method="torch"),
        identity | measured(bootstrap_ratio(theirs, mine, seed=seed), metric="times_faster", method="parts"),
    ]


def _timer(work: Callable[[], object]) -> Callable[[], float]:
    """What runs it, and gives the milliseconds that took."""

    def timed() -> float:
        began = time.perf_counter()
        work()
        return 1000 * (time.perf_counter() - began)

    return timed
