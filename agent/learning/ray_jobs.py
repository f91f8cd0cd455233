"""Adaptations as Ray tasks.

Where a task can reach the job's directory it works there. Elsewhere the files that the request names
travel as bytes, and the results travel back, progress included. The student must be there by the same name
or path.
"""

import logging
import os
import secrets
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from adapters.jobs.job import CANDIDATE, PROGRESS, REQUEST, RESULT, read_request, write_request
from adapters.jobs.request import Request
from agent.learning.jobs import WORKER_LOG, Job, Starter, new_job, spawn_worker
from agent.learning.parcel import pack, parcel_of, unpack, with_paths
from core.errors import StorageError
from core.extras import require
from core.files import atomic_write_bytes, storage_errors

_RETURNED = frozenset({CANDIDATE, PROGRESS, RESULT, WORKER_LOG})
_POLL, _PATIENCE = 0.1, 3.0  # seconds; the latter shorter than a job's own


@contextmanager
def on_ray() -> Iterator[Starter]:
    """Starts jobs on the cluster named by RAY_ADDRESS, else on a private Ray of this machine. The private Ray
    sends no usage data, listens on the loopback, and ends with the context. Raises MissingDependencyError.
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
    """Write the job below `folder` and hand it to Ray, with one core. `near`: all of Ray is on this machine.
    A lost task is not retried: it has died, as a child may. Raises StorageError.
    """
    job = new_job(folder)
    write_request(job, with_paths(request, Path.absolute))
    atomic_write_bytes(job / WORKER_LOG, b"")
    carried: list[Any] = []
    if not near:
        with suppress(StorageError):  # too much: then the folder must be shared
            carried.append(ray.put(parcel_of(request)))  # within a list it is fetched only where it is needed
    task = ray.remote(num_cpus=1, max_retries=0)(work)
    where = str(job.absolute()), os.getcwd()
    return Job(job, cast("subprocess.Popen[bytes]", RayTask(ray, task.remote(*where, carried), job)))


class RayTask:
    """A Ray task with the interface that `Job` expects of a process."""

    stdin = None

    def __init__(self, ray: ModuleType, task: Any, folder: Path) -> None:
        self._ray, self._task, self._folder = ray, task, folder
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The worker's exit code, once it has ended and its results are here."""
        if self.returncode is None and self._ray.wait([self._task], timeout=0)[0]:
            self.returncode = self._collect()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """`poll` when it has ended. Raises subprocess.TimeoutExpired after `timeout` seconds."""
        if self.returncode is None and not self._ray.wait([self._task], timeout=timeout)[0]:
            raise subprocess.TimeoutExpired("a Ray task", timeout or 0.0)
        return cast(int, self.poll())

    def terminate(self) -> None:
        self._ray.cancel(self._task)

    def kill(self) -> None:
        self._ray.cancel(self._task, force=True)

    def _collect(self) -> int:
        """Errors of Ray, or in the results, end up as the last line of the worker's log."""
        try:
            code, results = self._ray.get(self._task)
            if results is not None:
                unpack(results, self._folder, _RETURNED)
        except (self._ray.exceptions.RayError, StorageError) as error:
            lines = str(error).strip().splitlines() or [type(error).__name__]
            with (
                storage_errors("write", self._folder / WORKER_LOG),
                (self._folder / WORKER_LOG).open("a") as log,
            ):
                log.write(f"{lines[-1]}\n")
            return 1
        return cast(int, code)


def work(path: str, directory: str, carried: Sequence[Any]) -> tuple[int, bytes | None]:
    """On Ray: do the job at `path`, or the carried one, in `directory` if it exists. Returns the worker's
    exit code and, for a carried job, its packed results.
    """
    if (Path(path) / REQUEST).is_file():
        return _run_worker(Path(path), directory), None
    if not carried:
        raise StorageError(f"{path} is not on this machine, and too much to be sent. Use a shared folder.")
    with tempfile.TemporaryDirectory(prefix="roomwise-") as temporary:
        unpack(require("ray", "ray").get(carried[0]), Path(temporary))
        code = _run_worker(Path(temporary), directory)
        return code, pack(Path(temporary), _RETURNED)


def _run_worker(job: Path, directory: str) -> int:
    """Run the worker as a child that ends with this task; its exit code."""
    arguments = ("-m", "adapters.worker", str(job))
    threads, cwd = read_request(job).limits.threads, directory if Path(directory).is_dir() else None
    with (job / WORKER_LOG).open("ab") as log, spawn_worker(arguments, threads, log, cwd=cwd) as child:
        try:
            while child.poll() is None:
                time.sleep(_POLL)  # unlike waiting for the child, this can be interrupted by Ray
        finally:
            child.terminate()
            with suppress(subprocess.TimeoutExpired):
                child.wait(_PATIENCE)
            child.kill()
    return child.returncode
