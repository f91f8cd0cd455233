"""Layers over a few rows are timed against torch's own, in one run."""

import json

import pytest
from typer.testing import CliRunner

from bench.pair import layers


def test_both_are_timed_over_the_same_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "SHAPES", ((96, 64), (33, 16)))
    monkeypatch.setattr(layers, "_BYTES", 100_000)
    result = CliRunner().invoke(layers.app, ["--rows", "1", "--rows", "3", "--repeats", "4", "--json"])
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)["rows"]
    assert {(row["layer"], row["rows"]) for row in rows} == {
        (n, r) for n in ("96 x 64", "33 x 16") for r in (1, 3)
    }
    times = {(r["layer"], r["rows"], r["method"]): r["mean"] for r in rows if r["metric"] == "ms"}
    assert len(times) == 8 and all(value > 0 for value in times.values())
