"""A training child, of low priority, watched through the files of its job directory.

It holds one end of a pipe, so that it ends when this process does, however this one ends.
"""

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from adapters.jobs.job import ATTACHED, read_progress, read_result, write_request
from adapters.jobs.request import Request, Result
from core.errors import StorageError
from core.files import storage_errors
from core.types import Example

_LOG = "worker.log"
_PATIENCE = 5.0  # seconds between asking a worker to stop and ending it


class Job:
    """One adaptation under way. `poll` now and then; `stop` at any time.

    Without a process it is one that had ended when the program that began it did not live to see it.
    """

    def __init__(self, folder: Path, process: "subprocess.Popen[bytes] | None") -> None:
        self.folder = folder
        self.died = False
        """Whether the worker has ended without a word: killed, for one."""
        self._process = process
        self._read = 0

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    def progress(self) -> Iterator[tuple[int, int, float]]:
        """Step, steps and loss of every step since the last look."""
        if self._process is None:
            return
        for line, end in read_progress(self.folder, self._read):
            self._read = end
            if "step" in line:
                yield int(line["step"]), int(line["steps"]), float(line["loss"])

    def poll(self) -> Result | None:
        """How it ended, None while it runs. A worker that died without a word has failed."""
        if self._process is not None:
            if self._process.poll() is None:
                return None
            if self._process.stdin is not None:
                self._process.stdin.close()
        return read_result(self.folder) or self._died()

    def wait(self, seconds: float | None = None) -> Result | None:
        """`poll` after at most `seconds`."""
        try:
            if self._process is not None:
                self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        return self.poll()

    def stop(self) -> None:
        """End it, gently first; what answers now is not touched."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()  # unlike the file that asks for it, this works on a full disk
            if self.wait(_PATIENCE) is None:
                self._process.kill()
                self._process.wait()

    def concluded(self) -> bool:
        """End it; whether it had come to a verdict all the same, which `poll` gives."""
        self.stop()
        result = self.poll()
        return result is not None and not self.died and result.outcome != "cancelled"

    def _died(self) -> Result:
        self.died = True
        with storage_errors("read", self.folder / _LOG):
            told = (self.folder / _LOG).read_text(encoding="utf-8", errors="replace").strip()
        last = told.splitlines()[-1] if told else _ending(self._process)
        return Result("failed", f"The worker ended without a result: {last[:300]}", 0.0)


def start(folder: Path, request: Request) -> Job:
    """Write the job into a new folder below `folder` and start its worker. Raises StorageError."""
    job = new_job(folder)
    write_request(job, _absolute(request))
    return launch(job, request.limits.threads)


def new_job(folder: Path) -> Path:
    """A place for a job below `folder`; nothing is there yet."""
    return folder / uuid.uuid4().hex[:12]


def launch(job: Path, threads: int, arguments: Sequence[str] = ()) -> Job:
    """Start the worker of a job that is written; `arguments` are Python's, if it is none of `adapters`.

    Raises StorageError.
    """
    command = [sys.executable, *(arguments or ("-m", "adapters.worker", str(job))), ATTACHED]
    # The packages are found as this process found them; more threads would take those of the answers.
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "OMP_NUM_THREADS": str(threads),
    }
    with storage_errors("write", job / _LOG), _log(job) as log:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=environment)
    return Job(job, process)


def _log(job: Path) -> BinaryIO:
    job.mkdir(parents=True, exist_ok=True)
    return (job / _LOG).open("wb")


def _absolute(request: Request) -> Request:
    """The same with paths as this process means them; a job's own are relative to its folder."""

    def examples(given: Sequence[Example]) -> list[Example]:
        return [
            replace(one, image=one.image.absolute(), signal=one.signal and one.signal.absolute())
            for one in given
        ]

    return replace(
        request,
        train=examples(request.train),
        hold_out=examples(request.hold_out),
        extra=examples(request.extra),
        replay=examples(request.replay),
        current=request.current and request.current.absolute(),
        probe=request.probe and request.probe.absolute(),
        parent=request.parent and request.parent.absolute(),
    )


def clear(folder: Path) -> None:
    """Throw away the jobs below `folder` that came to no end; they are begun anew where they are due.

    For the only process that uses the folder, before it starts one.
    """
    for job in folder.iterdir() if folder.is_dir() else ():
        if not _has_ended(job):
            shutil.rmtree(job, ignore_errors=True)  # what is left is thrown away next time


def ended(folder: Path) -> Job | None:
    """The job in a folder, if it came to an end that nobody may have been told of."""
    return Job(folder, None) if _has_ended(folder) else None


def _has_ended(job: Path) -> bool:
    try:
        result = read_result(job)
    except StorageError:
        return False
    return result is not None and result.outcome != "cancelled"


def _ending(process: "subprocess.Popen[bytes] | None") -> str:
    code = 0 if process is None else process.returncode
    return f"it was killed (signal {-code})" if code < 0 else f"exit code {code}"


Starter = Callable[[Path, Request], Job]
"""How a job is started: here as a child; elsewhere, on another machine."""
