"""Throughput, waiting and bytes as rows of a report."""

from collections.abc import Mapping, Sequence

import numpy as np

from bench.measure.intervals import bootstrap_mean, bootstrap_percentile
from bench.measure.report import Row, Value, measured
from bench.serving.load import Round
from models.remote.wire import sizes

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
