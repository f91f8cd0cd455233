"""Adaptations as Ray tasks: a job is only a directory, so a task is told where it is.

Where the path leads to it, on this machine or on a disk that machines share, the task works in it. Elsewhere
all that the request names travels as bytes, and what came of it travels back, progress included. The student
does not travel: it must be there by the same name or path.
"""

import logging
import os
import secrets
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from adapters.jobs.job import ATTACHED, CANDIDATE, PROGRESS, REQUEST, RESULT, read_request, write_request
from adapters.jobs.request import Request
from agent.learning.jobs import Job, Starter
from agent.learning.parcel import moved, pack, parcel_of, unpack
from core.errors import StorageError
from core.extras import require
from core.files import atomic_write_bytes, storage_errors

_LOG = "worker.log"
_RETURNED = frozenset({CANDIDATE, PROGRESS, RESULT, _LOG})
_LOOK, _PATIENCE = 0.1, 3.0  # seconds; the latter shorter than a job's own


@contextmanager
def on_ray() -> Iterator[Starter]:
    """Starts jobs on the cluster that RAY_ADDRESS names; without it on a Ray of this machine alone, which is
    started, tells nobody, listens on the loopback, and ends with the context. Raises MissingDependencyError.
    """
    own: dict[str, Any] = {}
    if "RAY_ADDRESS" not in os.environ:
        os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
        os.environ |= {"RAY_AUTH_MODE": "token"}
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
        own = {"address": "local", "include_dashboard": False}
    ray = require("ray", "ray")
    ray.init(log_to_driver=False, logging_level=logging.WARNING, **own)
    try:
        yield partial(start, ray, bool(own))
    finally:
        ray.shutdown()


def start(ray: ModuleType, near: bool, folder: Path, request: Request) -> Job:
    """Write the job into a new folder below `folder` and hand it to Ray, where it has one core. `near`: all
    of Ray is on this machine.

    A task that Ray loses is not tried again: it has died, as a child may. Raises StorageError.
    """
    job = folder / uuid.uuid4().hex[:12]
    write_request(job, moved(request, Path.absolute))
    atomic_write_bytes(job / _LOG, b"")
    carried: list[Any] = []
    if not near:
        with suppress(StorageError):  # too much: then the folder must be shared
            carried.append(ray.put(parcel_of(request)))  # within a list it is fetched only where it is needed
    task = ray.remote(num_cpus=1, max_retries=0)(worked)
    where = str(job.absolute()), os.getcwd()
    return Job(job, cast("subprocess.Popen[bytes]", RayTask(ray, task.remote(*where, carried), job)))


class RayTask:
    """What a `Job` wants of its process, had of a Ray task."""

    stdin = None

    def __init__(self, ray: ModuleType, task: Any, folder: Path) -> None:
        self._ray, self._task, self._folder = ray, task, folder
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The worker's exit code once it has ended and what it left is here."""
        if self.returncode is None and self._ray.wait([self._task], timeout=0)[0]:
            self.returncode = self._ended()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """`poll` when it has ended. Raises subprocess.TimeoutExpired after `timeout` seconds."""
        if self.returncode is None and not self._ray.wait([self._task], timeout=timeout)[0]:
            raise subprocess.TimeoutExpired("a Ray task", timeout or 0.0)
        return cast(int, self.poll())

    def terminate(self) -> None:
        """Ask it to end."""
        self._ray.cancel(self._task)

    def kill(self) -> None:
        """End it."""
        self._ray.cancel(self._task, force=True)

    def _ended(self) -> int:
        """A fault of Ray's, or of what came back, is the last word in the worker's log."""
        try:
            code, left = self._ray.get(self._task)
            if left is not None:
                unpack(left, self._folder, _RETURNED)
        except (self._ray.exceptions.RayError, StorageError) as error:
            said = str(error).strip().splitlines() or [type(error).__name__]
            with storage_errors("write", self._folder / _LOG), (self._folder / _LOG).open("a") as log:
                log.write(f"{said[-1]}\n")
            return 1
        return cast(int, code)


def worked(path: str, directory: str, carried: Sequence[Any]) -> tuple[int, bytes | None]:
    """On Ray: do the job at `path`, or where there is none the one that was carried, started in `directory`
    where there is one. The exit code of its worker, and of a job that was carried what came of it, packed.
    """
    if (Path(path) / REQUEST).is_file():
        return _run(Path(path), directory), None
    if not carried:
        raise StorageError(f"{path} is not on this machine, and too much to be sent. Use a shared folder.")
    with tempfile.TemporaryDirectory(prefix="roomwise-") as here:
        unpack(require("ray", "ray").get(carried[0]), Path(here))
        code = _run(Path(here), directory)
        return code, pack(Path(here), _RETURNED)


def _run(job: Path, directory: str) -> int:
    """The worker as a child that ends with this task, however the task ends; its exit code."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "OMP_NUM_THREADS": str(read_request(job).limits.threads),
    }
    command = [sys.executable, "-m", "adapters.worker", str(job), ATTACHED]
    cwd = directory if Path(directory).is_dir() else None
    with (
        (job / _LOG).open("ab") as log,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=environment, cwd=cwd
        ) as child,
    ):
        try:
            while child.poll() is None:
                time.sleep(_LOOK)  # unlike waiting for the child, this can be interrupted by Ray
        finally:
            child.terminate()
            with suppress(subprocess.TimeoutExpired):
                child.wait(_PATIENCE)
            child.kill()
    return child.returncode
