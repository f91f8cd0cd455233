"""`roomwise bench layers`: large linear layers over one row or a few, ours against torch's own.

Both take turns over the same weights, of which there are enough that no cache holds them all, as in a model.
"""

import time
from collections.abc import Callable
from typing import Annotated

import numpy as np
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
    result: list[Row] = []
    with torch.inference_mode():
        for shape in SHAPES:
            weights = [torch.randn(shape) for _ in range(max(1, _BYTES // (4 * shape[0] * shape[1])))]
            for count in rows or [1, 4]:
                result += _rows(weights, torch.randn(count, shape[1]), repeats, seed)
    emit(Report("bench layers", seed, result), json=as_json)


def _rows(weights: list[torch.Tensor], x: torch.Tensor, repeats: int, seed: int) -> list[Row]:
    threads = torch.get_num_threads()
    runs = (
        lambda: [matmul_in_parts(x, weight, threads) for weight in weights],
        lambda: [linear(x, weight) for weight in weights],
    )
    ours, plain = np.array([[_time(run) for run in runs] for _ in range(_WARM_UPS + repeats)])[_WARM_UPS:].T
    identity: Row = {"layer": " x ".join(map(str, weights[0].shape)), "rows": len(x), "threads": threads}
    ratio = bootstrap_ratio(plain, ours, seed=seed)
    return [
        identity | measured(bootstrap_percentile(ours, 50, seed=seed), metric="ms", method="parts"),
        identity | measured(bootstrap_percentile(plain, 50, seed=seed), metric="ms", method="torch"),
        identity | measured(ratio, metric="times_faster", method="parts"),
    ]


def _time(work: Callable[[], object]) -> float:
    """Milliseconds of a run."""
    began = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - began)
