"""Units of work done side by side; one that another process is at is come back to later."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import TypeVar

from rich.console import Console
from rich.progress import Progress


def processes(count: int, first_call: Callable[[], None] | None = None) -> ProcessPoolExecutor:
    """So many, each importing for itself: a forked one may inherit locks of other threads.

    `begin` is called in each before anything else.
    """
    return ProcessPoolExecutor(count, get_context("spawn"), _begin, (first_call,))


def _begin(first_call: Callable[[], None] | None) -> None:
    Thread(target=_leave_with_parent, daemon=True).start()
    if first_call is not None:
        first_call()


def _leave_with_parent() -> None:
    """A pool whose owner was killed would wait for work for ever."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


_PAUSE = 1.0  # seconds before a unit that somebody else has is looked at again

_Unit = TypeVar("_Unit")
_Done = TypeVar("_Done")
_Result = TypeVar("_Result")


class Crew:
    """Processes that work at units, or this one alone. Made by `crew`."""

    def __init__(self, executor: Executor | None, progress: Progress) -> None:
        self._executor, self._progress = executor, progress

    def do(
        self, work: Callable[[_Unit], _Done | None], units: Sequence[_Unit], description: str = ""
    ) -> list[_Done]:
        """Each unit's result, in order. `work` gives None for a unit that another process is at.

        A description shows a bar. Raises what `work` raises; what was done before is kept by `work`.
        """
        bar = self._progress.add_task(description, total=len(units), visible=bool(description))
        done: dict[int, _Done] = {}
        while len(done) < len(units):
            open_units = [number for number in range(len(units)) if number not in done]
            results = (self._executor.map if self._executor else map)(
                work, [units[number] for number in open_units]
            )
            before = len(done)
            for number, result in zip(open_units, results, strict=True):
                if result is not None:
                    done[number] = result
                    self._progress.advance(bar)
            if len(done) == before:
                time.sleep(_PAUSE)
        self._progress.remove_task(bar)
        return [done[number] for number in range(len(units))]

    def each(
        self, work: Callable[[_Unit], _Result], items: Sequence[_Unit], description: str
    ) -> list[_Result]:
        """Each item's result, in order, whatever it is, with a bar."""
        results = (self._executor.map if self._executor else map)(work, items)
        return list(self._progress.track(results, total=len(items), description=description))

    def track(self, steps: Sequence[_Unit], description: str) -> Iterator[_Unit]:
        """The steps one after another, with a bar that says how many are done."""
        yield from self._progress.track(steps, description=description)


@contextmanager
def crew(jobs: int) -> Iterator[Crew]:
    """So many processes, kept until the end so that each imports once; with one, this process alone."""
    with Progress(console=Console(stderr=True), transient=True) as progress:
        if jobs == 1:
            yield Crew(None, progress)
            return
        with processes(jobs) as executor:
            yield Crew(executor, progress)
