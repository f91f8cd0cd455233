"""The training child: stopped, it is gone; dead without a word, it has failed."""

import subprocess
import sys
from pathlib import Path

from agent.jobs import Job


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
