"""Both kinds of attention are timed on the same step, in one run."""

import json

from typer.testing import CliRunner

from bench.pair import steps


def test_both_kinds_of_attention_take_turns() -> None:
    result = CliRunner().invoke(steps.app, ["--rows", "2", "--repeats", "2", "--json"])
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)["rows"]
    assert [(row["method"], row["metric"]) for row in rows] == [
        ("eager", "ms"), ("sdpa", "ms"), ("eager", "times_faster")
    ]  # fmt: skip
    assert all(row["mean"] > 0 and row["precision"] in ("float32", "bfloat16") for row in rows)
