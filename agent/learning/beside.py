"""A job beside a session that nobody waits for: it begins when no room's job runs, and gives way to one.

Ended before its time it leaves nothing behind, and is due again.
"""

import shutil
from abc import ABC, abstractmethod

from adapters.request import Result
from agent.learning.jobs import Job


class Beside(ABC):
    """At most one job of a kind. Whoever makes one sets `_job`; its folder is thrown away with its end."""

    def __init__(self) -> None:
        self._job: Job | None = None

    @abstractmethod
    def start_if_due(self) -> None:
        """Begin if the time has come."""

    @abstractmethod
    def _end(self, job: Job, result: Result) -> bool:
        """Take up what came of it and say so; whether there is something new."""

    @abstractmethod
    def _again(self) -> None:
        """It came to no end: be due again."""

    @property
    def running(self) -> bool:
        """Whether there is a job whose end has not been heard."""
        return self._job is not None

    def look(self) -> bool:
        """Hear whether it has ended, and how; whether there is something new."""
        job = self._job
        result = None if job is None else job.poll()
        if job is None or result is None:
            return False
        self._job = None
        try:
            return self._end(job, result)
        finally:
            shutil.rmtree(job.folder, ignore_errors=True)

    def stop(self) -> bool:
        """End it; whether it left something new. If it had not ended it is due again."""
        job = self._job
        if job is None:
            return False
        if job.concluded():
            return self.look()
        self.abandon()
        self._again()
        return False

    def abandon(self) -> None:
        """End it and hear no more of it."""
        job, self._job = self._job, None
        if job is not None:
            job.stop()
            shutil.rmtree(job.folder, ignore_errors=True)
