"""Jobs that Ray runs: what travels is whole and safe, and a job ends as a child's does."""

import io
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_jobs import RECIPE, examples, request, save_student

import roomwise
from adapters.jobs.job import read_progress, read_request, read_result, write_request, write_result
from adapters.jobs.request import Recipe, Result
from agent.learning import parcel
from agent.learning.jobs import Job, Starter, clear
from agent.learning.parcel import check_name, pack, parcel_of, unpack
from agent.learning.ray_jobs import RayTask, on_ray, work
from core.errors import MissingDependencyError, StorageError
from core.extras import require
from core.lazy import run

on_a_ray = pytest.mark.skipif(find_spec("ray") is None, reason="needs ray: pip install -e '.[ray]'")
ENDLESS = 10**6


def tar_of(*members: tarfile.TarInfo) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for member in members:
            tar.addfile(member, io.BytesIO(b"x" * member.size))
    return made.getvalue()


def plain(name: str, size: int = 1) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size = size
    return member


def test_a_job_that_was_sent_has_everything_with_it(tmp_path: Path) -> None:
    pairs = examples(tmp_path / "pictures")
    current = tmp_path / "current"
    current.mkdir()
    (current / "adapter.json").write_text("{}")
    wanted = request(
        "builtin-student", pairs[:2], hold_out=pairs[2:], current=current, probe=tmp_path / "none"
    )
    data = parcel_of(wanted)
    (tmp_path / "there").mkdir()
    unpack(data, tmp_path / "there")
    read = read_request(tmp_path / "there")
    there = (tmp_path / "there").resolve()
    for one, same in zip((*read.train, *read.hold_out), pairs, strict=True):
        assert one.image.is_relative_to(there) and one.image.read_bytes() == same.image.read_bytes()
        assert (one.id, one.question, one.answer) == (same.id, same.question, same.answer)
    assert read.current is not None and (read.current / "adapter.json").is_file()
    assert read.probe is not None and read.probe.parent == there and not read.probe.exists()
    assert len(list(there.glob("*.png"))) == 2  # a picture of two pairs travels once


@pytest.mark.parametrize(
    "name", ["/etc/x", "../x", "a/../x", "./x", "", "a//b", "C:/x", "a\\..\\x", "candidate/.."]
)
def test_a_name_that_leads_elsewhere_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="does not belong there"):
        check_name(name)
    with pytest.raises(StorageError, match="Look after the machine"):
        unpack(tar_of(plain("good"), plain(name)), tmp_path)
    assert not list(tmp_path.iterdir())
    with pytest.raises(StorageError, match="does not belong there"):
        check_name("a\0b")


def test_of_a_result_only_what_a_result_holds_is_taken(tmp_path: Path) -> None:
    names = {"candidate", "result.json"}
    check_name("candidate/adapter.json", names)
    with pytest.raises(StorageError, match=r"request\.json"):
        unpack(tar_of(plain("result.json"), plain("request.json")), tmp_path, names)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE])
def test_nothing_but_plain_files_is_taken(kind: bytes, tmp_path: Path) -> None:
    member = plain("x", 0)
    member.type, member.linkname = kind, "/etc/passwd"
    with pytest.raises(StorageError, match="no plain file"):
        unpack(tar_of(member), tmp_path)


def test_links_do_not_travel(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    (tmp_path / "job").mkdir()
    (tmp_path / "job" / "link").symlink_to(tmp_path / "secret")
    (tmp_path / "job" / "plain").write_text("y")
    with tarfile.open(fileobj=io.BytesIO(pack(tmp_path / "job"))) as tar:
        assert tar.getnames() == ["plain"]


def test_there_is_a_bound_in_both_directions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parcel, "MOST_BYTES", 100)
    with pytest.raises(StorageError, match="does not travel"):
        unpack(tar_of(plain("a", 60), plain("b", 60)), tmp_path)
    monkeypatch.setattr(parcel, "MOST_FILES", 2)
    with pytest.raises(StorageError, match="3 files"):
        unpack(tar_of(plain("a"), plain("b"), plain("c")), tmp_path)
    for name in "abc":
        (tmp_path / name).write_text(name)
    with pytest.raises(StorageError, match="3 files"):
        pack(tmp_path)


@given(st.binary(max_size=600), st.integers(0, 600), st.integers(0, 255))
def test_damaged_bytes_are_refused_and_nothing_else_happens(noise: bytes, at: int, value: int) -> None:
    whole = bytearray(tar_of(plain("good", 20)))
    whole[at] = value
    for data in (noise, bytes(whole), bytes(whole[:at])):
        written = unpacked(data)
        assert all(path.parts[0] == "there" and ".." not in path.parts for path in written)


def unpacked(data: bytes) -> list[Path]:
    """Where the files of a tar would be written; nowhere if it is refused."""
    written: list[Path] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parcel, "atomic_write_bytes", lambda path, _: written.append(path))
        try:
            unpack(data, Path("there"))
        except StorageError:
            assert not written
    return written


def test_the_result_is_written_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr(parcel, "atomic_write_bytes", lambda path, _: written.append(path.name))
    unpack(tar_of(plain("result.json"), plain("candidate/a"), plain("worker.log")), tmp_path)
    assert written[-1] == "result.json" and len(written) == 3


class _Lost(Exception):
    """Ray's own word for a worker that is gone."""


def fake_ray(ready: bool, get: Callable[[Any], Any]) -> Any:
    return SimpleNamespace(
        wait=lambda tasks, timeout: (tasks, []) if ready else ([], tasks),
        get=get,
        exceptions=SimpleNamespace(RayError=_Lost),
    )


def job_of(folder: Path, ray: Any) -> Job:
    (folder / "worker.log").touch()
    return Job(folder, cast("subprocess.Popen[bytes]", RayTask(ray, "task", folder)))


def test_a_task_under_way_has_no_result(tmp_path: Path) -> None:
    job = job_of(tmp_path, fake_ray(False, lambda _: None))
    assert job.poll() is None and job.wait(0.0) is None and not job.died


def test_a_task_that_ray_has_lost_has_died(tmp_path: Path) -> None:
    def get(task: object) -> None:
        raise _Lost("A trace.\nThe node is gone.")

    job = job_of(tmp_path, fake_ray(True, get))
    result = job.poll()
    assert result is not None and result.outcome == "failed" and job.died
    assert "The node is gone." in result.reason
    assert job.poll() == result


def test_a_worker_that_was_killed_has_died_as_a_child_would(tmp_path: Path) -> None:
    result = job_of(tmp_path, fake_ray(True, lambda _: (-9, None))).poll()
    assert result is not None and "signal 9" in result.reason


def test_what_came_back_is_there_when_the_job_has_ended(tmp_path: Path) -> None:
    done, here = tmp_path / "done", tmp_path / "here"
    write_result(done, Result("reject", "Because.", 1.0))
    here.mkdir()
    result = job_of(here, fake_ray(True, lambda _: (0, pack(done)))).wait(1.0)
    assert result == Result("reject", "Because.", 1.0)


def test_what_must_not_come_back_is_a_job_that_died(tmp_path: Path) -> None:
    job = job_of(tmp_path, fake_ray(True, lambda _: (0, tar_of(plain("../x")))))
    result = job.poll()
    assert result is not None and job.died and "does not belong there" in result.reason
    assert sorted(path.name for path in tmp_path.iterdir()) == ["worker.log"]


def test_a_folder_that_is_not_there_and_was_not_sent_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="Use a shared folder"):
        work(str(tmp_path / "nowhere"), str(tmp_path), [])


def test_without_ray_the_install_line_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(MissingDependencyError, match=r"pip install 'roomwise\[ray\]'"), on_ray():
        pass


@pytest.mark.parametrize(("options", "told"), [([], "start"), (["--on", "ray"], "a task")])
def test_the_verb_says_who_runs_the_job(
    options: list[str], told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    begun: list[Any] = []

    def adapt(*args: Any) -> None:
        begun.append(args[-1])
        raise StorageError("Enough.")

    monkeypatch.setattr("agent.learning.adapt.adapt", adapt)
    monkeypatch.setattr("agent.learning.ray_jobs.on_ray", lambda: nullcontext("a task"))
    assert run(roomwise.app, "roomwise", ["adapt", *options]) == 2
    assert [getattr(one, "__name__", one) for one in begun] == [told]
    assert "Enough." in capsys.readouterr().err


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_student(tmp_path_factory.mktemp("student") / "tiny")


@pytest.fixture(scope="module")
def begin() -> Iterator[Starter]:
    with on_ray() as starter:
        yield starter


def until(happened: Callable[[], Any], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.05)


def workers(job: Path) -> list[int]:
    """Processes that work on this job."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else []
        except OSError:
            continue
        if b"adapters.worker" in words and str(job).encode() in words:
            found.append(int(entry.name))
    return found


@on_a_ray
@pytest.mark.slow
def test_four_jobs_at_once_end_with_results(student: str, begin: Starter, tmp_path: Path) -> None:
    pairs = examples(tmp_path / "pictures")
    jobs = [begin(tmp_path / "jobs", request(student, pairs, seed=seed)) for seed in range(4)]
    results = [job.wait(250) for job in jobs]
    assert [result and result.outcome for result in results] == ["promote"] * 4, results
    assert all((job.folder / "candidate").is_dir() for job in jobs)
    assert all([step for step, _, _ in job.progress()] == list(range(1, RECIPE.steps + 1)) for job in jobs)
    assert not any(job.died for job in jobs)


def endless(student: str, begin: Starter, folder: Path) -> Job:
    recipe = Recipe(**{**vars(RECIPE), "steps": ENDLESS})
    job = begin(folder / "jobs", request(student, examples(folder / "pictures"), recipe=recipe))
    until(lambda: list(job.progress()))
    return job


@on_a_ray
@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_job_that_is_stopped_half_way_leaves_nothing(student: str, begin: Starter, tmp_path: Path) -> None:
    job = endless(student, begin, tmp_path)
    assert workers(job.folder)
    job.stop()
    assert not workers(job.folder)
    result = job.poll()
    assert result is not None and result.outcome == "cancelled"
    assert not (job.folder / "candidate").exists()
    clear(tmp_path / "jobs")
    assert not list((tmp_path / "jobs").iterdir())


@on_a_ray
@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_worker_that_is_killed_has_died(student: str, begin: Starter, tmp_path: Path) -> None:
    job = endless(student, begin, tmp_path)
    os.kill(workers(job.folder)[0], 9)
    result = job.wait(30)
    assert result is not None and job.died and "signal 9" in result.reason


@on_a_ray
@pytest.mark.slow
def test_a_job_whose_folder_is_elsewhere_travels_there_and_back(
    student: str, begin: Starter, tmp_path: Path
) -> None:
    ray = require("ray", "ray")
    wanted = request(student, examples(tmp_path / "pictures"))
    folder = tmp_path / "job"
    write_request(folder, wanted)
    sent = ray.put(parcel_of(wanted))
    task = ray.remote(num_cpus=1)(work).remote(str(tmp_path / "elsewhere"), str(tmp_path), [sent])
    job = Job(folder, cast("subprocess.Popen[bytes]", RayTask(ray, task, folder)))
    result = job.wait(250)
    assert result is not None and result.outcome == "promote", result
    assert result == read_result(folder) and (folder / "candidate").is_dir()
    assert any("step" in line for line, _ in read_progress(folder))
