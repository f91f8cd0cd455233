"""A low-priority training child, watched through its job directory; it ends when this process does."""

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from adapters.jobs.job import ATTACHED, read_progress, read_result, write_request
from adapters.jobs.request import Request, Result
from agent.learning.parcel import with_paths
from core.errors import StorageError
from core.files import delete_folder, make_folder, private, storage_errors

WORKER_LOG = "worker.log"
_PATIENCE = 5.0  # seconds between asking a worker to stop and ending it


class Job:
    """A running adaptation. `poll` it now and then; `stop` it at any time. Without a process it had ended
    before the program that started it could see that.
    """

    def __init__(self, folder: Path, process: "subprocess.Popen[bytes] | None") -> None:
        self.folder = folder
        self.died = False
        """Whether the worker ended without a result, killed for example."""
        self._process = process
        self._read = 0

    @property
    def name(self) -> str:
        return self.folder.name

    def progress(self) -> Iterator[tuple[int, int, float]]:
        """Step, steps and loss of every step since the last call."""
        if self._process is None:
            return
        for line, offset in read_progress(self.folder, self._read):
            self._read = offset
            if "step" in line:
                yield int(line["step"]), int(line["steps"]), float(line["loss"])

    def poll(self) -> Result | None:
        """The result, None while the job runs. A worker that died has failed."""
        if self._process is not None:
            if self._process.poll() is None:
                return None
            if self._process.stdin is not None:
                self._process.stdin.close()
        return read_result(self.folder) or self._report_death()

    def wait(self, seconds: float | None = None) -> Result | None:
        try:
            if self._process is not None:
                self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        return self.poll()

    def stop(self) -> None:
        """End it, gently first; the current adapter stays."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()  # unlike the file that asks for it, this works on a full disk
            if self.wait(_PATIENCE) is None:
                self._process.kill()
                self._process.wait()

    def concluded(self) -> bool:
        """Stop it; whether `poll` has a verdict all the same."""
        self.stop()
        result = self.poll()
        return result is not None and not self.died and result.outcome != "cancelled"

    def _report_death(self) -> Result:
        self.died = True
        with storage_errors("read", self.folder / WORKER_LOG):
            log = (self.folder / WORKER_LOG).read_text(encoding="utf-8", errors="replace").strip()
        last = log.splitlines()[-1] if log else _exit_reason(self._process)
        return Result("failed", f"The worker ended without a result: {last[:300]}", 0.0)


def start(folder: Path, request: Request) -> Job:
    """Write the job into a new folder below `folder` and start its worker. Raises StorageError."""
    job = new_job(folder)
    write_request(job, with_paths(request, Path.absolute))
    return launch(job, request.limits.threads)


def new_job(folder: Path) -> Path:
    """A folder for a job below `folder`; nothing is created."""
    return folder / uuid.uuid4().hex[:12]


def launch(job: Path, threads: int, arguments: Sequence[str] = ()) -> Job:
    """Start the worker of a written job; `arguments` are Python's, for a worker outside `adapters`. Raises
    StorageError.
    """
    with storage_errors("write", job / WORKER_LOG):
        make_folder(job)
        with open(job / WORKER_LOG, "wb", opener=private) as log:
            return Job(job, spawn_worker(arguments or ("-m", "adapters.worker", str(job)), threads, log))


def spawn_worker(
    arguments: Sequence[str], threads: int, log: BinaryIO, **options: Any
) -> "subprocess.Popen[bytes]":
    """A Python child that finds packages as this process does; more threads would slow the answers."""
    path = os.pathsep.join(filter(None, sys.path))
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": str(threads)}
    command = [sys.executable, *arguments, ATTACHED]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=environment, **options
    )


def clear(folder: Path, but: Job | None = None) -> None:
    """Delete the jobs below `folder`, those too that had ended unheard, but one; they are started anew where
    due. For the only process that uses the folder, before it starts a job.
    """
    for job in folder.iterdir() if folder.is_dir() else ():
        if but is None or job != but.folder:
            discard(job)


def discard(job: Path) -> None:
    """Delete a job that is done with, if the disk lets it."""
    with suppress(StorageError):
        delete_folder(job)


def finished_job(folder: Path) -> Job | None:
    """The job in a folder, if it has ended, perhaps without anybody noticing."""
    return Job(folder, None) if _has_ended(folder) else None


def _has_ended(job: Path) -> bool:
    try:
        result = read_result(job)
    except StorageError:
        return False
    return result is not None and result.outcome != "cancelled"


def _exit_reason(process: "subprocess.Popen[bytes] | None") -> str:
    code = 0 if process is None else process.returncode
    return f"it was killed (signal {-code})" if code < 0 else f"exit code {code}"


Starter = Callable[[Path, Request], Job]
"""Starts a job, here as a child or on another machine."""
