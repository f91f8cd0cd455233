"""What one adaptation costs those who wait for an answer: rows that follow from the times."""

import json
from pathlib import Path

import numpy as np
import pytest
from tiny_jobs import save_student

import roomwise
from adapters.jobs.request import Result
from bench.pair.adapting import AdaptingTimes, rows
from core.lazy import run


def test_the_ratio_is_of_medians_and_its_interval_holds_it() -> None:
    timing = AdaptingTimes(
        np.full(30, 20.0), np.linspace(25, 35, 31), Result("promote", "It did.", 12.5), np.full(10, 1.5)
    )
    told = {(row["metric"], row["method"]): row for row in rows(timing, "tiny", 0)}
    assert told["job_s", "promote"]["mean"] == 12.5
    assert told["asking_s", "after a turn of the warm-up"]["mean"] == 1.5
    assert told["latency_ms", "idle"]["mean"] == 20
    ratio = told["ratio", "adapting / idle"]
    mean, low, high = (float(str(ratio[key])) for key in ("mean", "low", "high"))
    assert mean == pytest.approx(1.5) and low < mean < high


@pytest.mark.slow
def test_a_whole_measurement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ROOMWISE_STUDENT__MODEL", save_student(tmp_path / "tiny"))
    monkeypatch.setenv("ROOMWISE_EXPERT__MODEL", save_student(tmp_path / "tiny"))
    assert run(roomwise.app, "roomwise", ["bench", "adapting", "--turns", "2", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["rows"]
    assert {row["metric"] for row in told} == {"job_s", "asking_s", "latency_ms", "ratio"}


def test_a_session_without_later_questions_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ROOMWISE_ROUTER__WARM_UP", "20")
    assert run(roomwise.app, "roomwise", ["bench", "adapting", "--json"]) == 2
    assert "longer session" in capsys.readouterr().err
