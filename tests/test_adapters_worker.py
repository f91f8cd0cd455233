"""Jobs from request to result: in this process, and once as the child process that they are."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_jobs import LIMITS, RECIPE, examples, request, save_student

from adapters.jobs.job import (
    CANCEL,
    Cancelled,
    cancel,
    read_progress,
    read_request,
    read_result,
    write_request,
    write_result,
)
from adapters.jobs.request import Request
from adapters.jobs.store import AdapterStore
from adapters.worker import work
from core.errors import StorageError
from models.lora import base_of, read_adapter

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_student(tmp_path_factory.mktemp("student") / "tiny")


def made(folder: Path, wanted: Request) -> Path:
    folder.mkdir()
    write_request(folder, wanted)
    return folder


def test_a_request_is_read_as_it_was_written_and_may_be_moved(tmp_path: Path) -> None:
    pairs = examples(tmp_path / "pictures")
    moved = [replace(pair, image=Path("frames") / pair.image.name) for pair in pairs]
    job = made(
        tmp_path / "job", request("builtin-student", pairs[:2], hold_out=moved[2:], current=Path("old"))
    )
    read = read_request(job)
    assert read.train == pairs[:2]
    assert read.hold_out[0].image == job.resolve() / "frames" / "0.png"
    assert read.current == job.resolve() / "old"
    assert read.limits == LIMITS
    with pytest.raises(StorageError, match="holds a job already"):
        write_request(job, read)


@pytest.mark.parametrize("text", ["", "[]", '{"schema": 9}', '{"schema": 1, "room": "x"}'])
def test_a_broken_request_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "request.json").write_text(text)
    with pytest.raises(StorageError, match=r"Make the job again\."):
        read_request(tmp_path)


def test_a_job_without_pairs_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no pair"):
        request("builtin-student", [])


def test_half_a_line_of_progress_waits_for_its_other_half(tmp_path: Path) -> None:
    (tmp_path / "progress.jsonl").write_text('{"stage": "loading"}\n{"stage": "tr')
    found = list(read_progress(tmp_path))
    assert [line["stage"] for line, _ in found] == ["loading"]
    with (tmp_path / "progress.jsonl").open("a") as file:
        file.write('aining"}\n')
    assert [line["stage"] for line, _ in read_progress(tmp_path, found[-1][1])] == ["training"]
    assert not list(read_progress(tmp_path / "nowhere"))


def test_a_job_judges_trains_and_leaves_a_candidate_that_the_store_takes(
    student: str, tmp_path: Path
) -> None:
    pairs = examples(tmp_path / "pictures")
    recipe = replace(RECIPE, steps=100)
    job = made(tmp_path / "job", request(student, pairs[:2], hold_out=pairs[2:], recipe=recipe))
    result = work(job)
    write_result(job, result)
    assert result.outcome == "promote", result.reason
    assert read_result(job) == result
    exact = result.scores["candidate"]["train"]["exact"]
    assert exact > result.scores["current"]["train"]["exact"]
    lines = [line for line, _ in read_progress(job)]
    told = [line.get("who", line["stage"]) for line in lines]
    assert told[0] == "loading"
    steps = [line["step"] for line in lines if "step" in line]
    assert steps == list(range(1, 101))
    # The held-out pair judges on the way, before it is learnt, and is known in the end.
    assert told[: told.index("trial")].count("training") == 100 * recipe.trial
    assert result.scores["candidate"]["hold_out"]["n"] == 1
    version = AdapterStore(tmp_path / "adapters").adopt("kitchen", job)
    assert version.about["pairs"] == ["pair-0", "pair-1", "pair-2"]
    assert version.about["held_out"] == ["pair-2"]
    assert version.about["libraries"]["torch"]
    assert read_adapter(version.folder, base_of(student)).rank == 4
    # The next one is judged against this one.
    again = made(tmp_path / "again", request(student, pairs, current=version.folder))
    assert work(again).scores["current"]["train"]["exact"] == exact


def test_without_time_nothing_is_promoted(student: str, tmp_path: Path) -> None:
    pairs = examples(tmp_path / "pictures")
    job = made(tmp_path / "job", request(student, pairs, limits=replace(LIMITS, seconds=0.0)))
    result = work(job)
    assert result.outcome == "reject" and "adaptation.seconds allows 0" in result.reason


def test_a_cancelled_job_says_so(student: str, tmp_path: Path) -> None:
    job = made(tmp_path / "job", request(student, examples(tmp_path / "pictures")))
    cancel(job)
    assert (job / CANCEL).exists()
    with pytest.raises(Cancelled):
        work(job)
    assert not (job / "candidate").exists()


def run(job: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "adapters.worker", str(job)], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )


def test_as_a_process_it_names_what_is_wrong_and_can_be_stopped(student: str, tmp_path: Path) -> None:
    pairs = examples(tmp_path / "pictures")
    endless = made(tmp_path / "endless", request(student, pairs, recipe=replace(RECIPE, steps=10**6)))
    lost = made(tmp_path / "lost", request("builtin-nothing", pairs))
    failing, stopped = run(lost), run(endless)
    _, said = failing.communicate(timeout=250)
    assert failing.returncode == 2
    assert "builtin-nothing" in said and "Traceback" not in said
    result = read_result(lost)
    assert result is not None and result.outcome == "failed" and "builtin-nothing" in result.reason
    while not any(line["stage"] == "training" for line, _ in read_progress(endless)):
        assert stopped.poll() is None
        time.sleep(0.05)
    if hasattr(os, "getpriority"):
        assert os.getpriority(os.PRIO_PROCESS, stopped.pid) >= os.getpriority(os.PRIO_PROCESS, 0)
    stopped.send_signal(signal.SIGTERM)
    _, said = stopped.communicate(timeout=60)
    assert stopped.returncode == 0, said
    result = read_result(endless)
    assert result is not None and result.outcome == "cancelled"
