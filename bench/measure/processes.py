"""Processes that work side by side: each begins afresh, and none outlives the one that began it."""

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from threading import Thread


def processes(count: int, begin: Callable[[], None] | None = None) -> ProcessPoolExecutor:
    """So many, each importing for itself: a forked one may inherit locks of other threads.

    `begin` is called in each before anything else.
    """
    return ProcessPoolExecutor(count, get_context("spawn"), _begun, (begin,))


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
