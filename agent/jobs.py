"""The training child: at most one, of low priority, watched through the files of its job directory."""

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from adapters.job import read_progress, read_result, write_request
from adapters.request import Request, Result
from core.files import storage_errors

_LOG = "worker.log"
_PATIENCE = 5.0  # seconds between asking a worker to stop and ending it


class Job:
    """One adaptation under way. `poll` now and then; `stop` at any time."""

    def __init__(self, folder: Path, process: "subprocess.Popen[bytes]") -> None:
        self.folder = folder
        self._process = process
        self._read = 0

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    def progress(self) -> Iterator[tuple[int, int, float]]:
        """Step, steps and loss of every step since the last look."""
        for line, end in read_progress(self.folder, self._read):
            self._read = end
            if "step" in line:
                yield int(line["step"]), int(line["steps"]), float(line["loss"])

    def poll(self) -> Result | None:
        """How it ended, None while it runs. A worker that died without a word has failed."""
        if self._process.poll() is None:
            return None
        return read_result(self.folder) or self._died()

    def wait(self, seconds: float | None = None) -> Result | None:
        """`poll` after at most `seconds`."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        return self.poll()

    def stop(self) -> None:
        """End it, gently first; what answers now is not touched."""
        if self._process.poll() is None:
            self._process.terminate()  # unlike the file that asks for it, this works on a full disk
            if self.wait(_PATIENCE) is None:
                self._process.kill()
                self._process.wait()

    def _died(self) -> Result:
        with storage_errors("read", self.folder / _LOG):
            told = (self.folder / _LOG).read_text(encoding="utf-8", errors="replace").strip()
        last = told.splitlines()[-1] if told else f"exit code {self._process.returncode}"
        return Result("failed", f"The worker ended without a result: {last[:300]}", 0.0)


def start(folder: Path, request: Request) -> Job:
    """Write the job into a new folder below `folder` and start its worker. Raises StorageError."""
    job = folder / uuid.uuid4().hex[:12]
    write_request(job, request)
    command = [sys.executable, "-m", "adapters.worker", str(job)]
    # The packages are found as this process found them; more threads would take those of the answers.
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "OMP_NUM_THREADS": str(request.limits.threads),
    }
    with storage_errors("write", job / _LOG), (job / _LOG).open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)
    return Job(job, process)


Starter = Callable[[Path, Request], Job]
"""How a job is started: here as a child; elsewhere, on another machine."""
