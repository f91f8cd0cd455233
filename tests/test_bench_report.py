import json

import pytest

from bench.measure.intervals import Interval
from bench.measure.report import Report, emit, machine_facts, measured

ROWS = [
    measured(Interval(0.6125, 0.57, 0.65, 500), metric="exact", model="builtin-expert", family="all"),
    measured(Interval(0.5, float("nan"), float("nan"), 20), metric="exact", model="builtin-student"),
]


def test_json_is_exactly_one_object_of_the_contract(capsys: pytest.CaptureFixture[str]) -> None:
    emit(Report("bench models", 3, ROWS), json=True)
    captured = capsys.readouterr()
    report = json.loads(captured.out)
    assert list(report) == ["schema", "command", "seed", "machine", "rows"]
    assert (report["schema"], report["command"], report["seed"]) == (1, "bench models", 3)
    assert report["rows"][0] == {
        "model": "builtin-expert", "family": "all", "metric": "exact",
        "mean": 0.6125, "low": 0.57, "high": 0.65, "n": 500,
    }  # fmt: skip
    assert report["rows"][1]["low"] is None
    assert captured.out.count("\n") == 1 and not captured.err


def test_the_table_shows_every_row_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    emit(Report("bench models", 3, ROWS), json=False)
    out = capsys.readouterr().out
    assert "0.613 [0.570, 0.650]" in out or "0.612 [0.570, 0.650]" in out
    assert "builtin-student" in out and "nan" not in out and "…" not in out


def test_an_empty_report_is_still_a_report() -> None:
    assert json.loads(Report("bench models", 0, []).to_json())["rows"] == []


def test_the_machine_is_described_without_naming_it() -> None:
    facts = machine_facts()
    cores = facts["cores"]
    assert isinstance(cores, int) and cores >= 1
    assert facts["torch"] != "not installed"
    assert not {"host", "hostname", "user"} & facts.keys()
