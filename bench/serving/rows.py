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
    found: list[Row] = []
    for (method, clients), several in rounds.items():
        identity: dict[str, Value] = {**about, "method": method, "clients": clients}
        rates = [one.throughput for one in several]
        found.append(measured(bootstrap_mean(rates, seed=seed), metric="questions_per_s", **identity))
        times = np.array([took for one in several for took in one.times]) * 1000
        for percentile in (50, 95):
            interval = bootstrap_percentile(times, percentile, seed=seed)
            statistic = f"p{percentile}"
            found.append(measured(interval, metric="latency_ms", statistic=statistic, **identity))
    found += _ratios(rounds, about, seed)
    return found + _bytes(rounds, about, seed)


def _ratios(rounds: Rounds, about: Mapping[str, Value], seed: int) -> list[Row]:
    found = []
    for clients in sorted({clients for _, clients in rounds}):
        batched, single = (rounds.get((method, clients), ()) for method in ("batched", "one by one"))
        pairs = [ours.throughput / theirs.throughput for ours, theirs in zip(batched, single, strict=True)]
        if pairs:
            identity: dict[str, Value] = {**about, "method": "batched / one by one", "clients": clients}
            found.append(measured(bootstrap_mean(pairs, seed=seed), metric="ratio", **identity))
    return found


def _bytes(rounds: Rounds, about: Mapping[str, Value], seed: int) -> list[Row]:
    """Bytes a question by what they are for."""
    bodies = [body for several in rounds.values() for one in several for body in one.bodies]
    parts: dict[str, list[int]] = {}
    for body in bodies:
        for part, size in sizes(body).items():
            parts.setdefault(part, []).append(size)
    return [
        measured(bootstrap_mean(found, seed=seed), metric="bytes", part=part, **about)
        for part, found in parts.items()
    ]
