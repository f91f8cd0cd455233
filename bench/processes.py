"""Processes that work side by side: each begins afresh, and none outlives the one that began it."""

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import TypeVar

from rich.console import Console
from rich.progress import Progress

T = TypeVar("T")


def processes(count: int, begin: Callable[[], None] | None = None) -> ProcessPoolExecutor:
    """So many, each importing for itself: a forked one may inherit locks of other threads.

    `begin` is called in each before anything else.
    """
    return ProcessPoolExecutor(count, get_context("spawn"), _begun, (begin,))


def each(make: Callable[[int], T], count: int, jobs: int, what: str) -> list[T]:
    """What is made of every number below `count`, by `jobs` processes, with a bar on stderr."""
    bar = Progress(console=Console(stderr=True), transient=True)
    with processes(jobs) as workers, bar:
        return list(bar.track(workers.map(make, range(count)), total=count, description=what))


def _begun(begin: Callable[[], None] | None) -> None:
    Thread(target=_leave_with_parent, daemon=True).start()
    if begin is not None:
        begin()


def _leave_with_parent() -> None:
    """A pool whose owner was killed would wait for work for ever."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
