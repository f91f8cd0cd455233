"""The training child: stopped, it is gone; dead without a word, it has failed."""

import subprocess
import sys
from pathlib import Path

import pytest
from tiny_jobs import examples, request

from adapters.jobs.job import read_request, write_result
from adapters.jobs.request import Result
from agent.learning.jobs import Job, clear, finished_job, start


def _job(folder: Path, code: str) -> Job:
    with (folder / "worker.log").open("wb") as log:
        return Job(folder, subprocess.Popen([sys.executable, "-c", code], stderr=log))


def test_a_job_that_is_stopped_is_gone(tmp_path: Path) -> None:
    job = _job(tmp_path, "import time; time.sleep(60)")
    assert job.poll() is None
    job.stop()
    result = job.poll()
    assert result is not None
    assert result.outcome == "failed"


def test_a_worker_that_dies_says_why(tmp_path: Path) -> None:
    result = _job(tmp_path, "raise SystemExit('no room left')").wait(30)
    assert result is not None
    assert "no room left" in result.reason


def test_a_job_finds_its_pictures_wherever_it_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pairs = examples(Path("pictures"))
    wanted = request("no-such-student", pairs, extra=pairs[:1], current=Path("old"), parent=Path("home"))
    job = start(Path("jobs"), wanted)
    job.stop()
    read = read_request(job.folder)
    assert [one.image for one in read.train] == [tmp_path / one.image for one in wanted.train]
    assert read.train[0].image.is_file() and read.train[0].signal is None
    assert read.extra[0].image.is_file()
    assert (read.current, read.probe, read.parent) == (tmp_path / "old", None, tmp_path / "home")


def test_jobs_are_thrown_away_however_they_ended_but_one_that_is_taken_up(tmp_path: Path) -> None:
    for outcome in ("promote", "reject", "failed", "cancelled"):
        write_result(tmp_path / outcome, Result(outcome, "Because.", 1.0))
    (tmp_path / "half").mkdir()
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "result.json").write_text("{")
    done = finished_job(tmp_path / "promote")
    assert done is not None
    assert [finished_job(tmp_path / name) for name in ("half", "damaged", "cancelled")] == [None] * 3
    clear(tmp_path, done)
    assert [path.name for path in tmp_path.iterdir()] == ["promote"]
    result = done.wait(0.0)
    assert result is not None and result.outcome == "promote" and not done.died
    done.stop()
    assert not list(done.progress())
    clear(tmp_path)
    assert not list(tmp_path.iterdir())
    clear(tmp_path / "nowhere")
