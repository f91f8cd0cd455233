"""A whole study: what can be compared, then autoencoders, then rooms; what is done is not done again."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import Any, TypeVar

import torch
from PIL import Image
from rich.console import Console
from rich.progress import Progress

from bench.processes import processes
from bench.studies import fits, ours
from bench.studies.distill.few_shot import read
from bench.studies.distill.reading import Reading, offered
from bench.studies.distill.terms import lacking
from bench.studies.methods import Entry
from bench.studies.plan import Plan
from bench.studies.room_work import work
from bench.studies.rooms import model

Item = TypeVar("Item")
Found = TypeVar("Found")


class Workers:
    """Runs the same for many items, some at a time in processes of their own, with a bar on stderr."""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._held = ExitStack()
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> "Workers":
        if self._jobs > 1:  # a single one needs no process
            pool = processes(self._jobs)
            self._pool = self._held.enter_context(pool)
        return self

    def __exit__(self, *failed: Any) -> None:
        if self._pool is not None:  # what was not begun is not begun any more
            self._pool.shutdown(cancel_futures=True)
        self._held.close()

    def each(self, do: Callable[[Item], Found], items: Sequence[Item], what: str) -> list[Found]:
        """Results in the order of the items."""
        found: Iterable[Found] = self._pool.map(do, items) if self._pool else map(do, items)
        with Progress(console=Console(stderr=True), transient=True) as progress:
            return list(progress.track(found, total=len(items), description=what))


def left_out(plan: Plan, entries: Sequence[Entry]) -> dict[str, str]:
    """For each method that cannot be computed for this pair of models, why."""
    has = offered(_glance(plan.student), _glance(plan.expert), autoencoders=True)
    found = {}
    for entry in entries:
        wanting = lacking(entry.weights, has)
        if wanting:
            needs = dict.fromkeys(need.value for needs in wanting.values() for need in needs)
            found[entry.name] = f"{', '.join(wanting)}: both models must give {', '.join(needs)}"
    return found


def carry_out(plan: Plan, entries: Sequence[Entry], rooms: int, seeds: int, jobs: int) -> None:
    """Do what is missing of a study."""
    if any(entry.recipe is not None for entry in entries):
        ours.make_ready(model(plan.student))
    with Workers(jobs) as workers:
        _fit(plan, entries, seeds, workers)
        workers.each(partial(work, plan, entries, seeds), range(rooms), "rooms")


def _fit(plan: Plan, entries: Sequence[Entry], seeds: int, workers: Workers) -> None:
    names = dict.fromkeys(name for entry in entries for name in entry.fits.values())
    missing = [
        (name, seed)
        for seed in range(seeds)
        for name in names
        if not fits.fit_path(plan, name, seed).is_dir()
    ]
    path = fits.maps_path(plan)
    if missing and not path.is_file():
        fits.save_maps(path, workers.each(partial(fits.room_maps, plan), range(fits.ROOMS), "maps"))
    workers.each(partial(_fit_one, plan), missing, "autoencoders")


def _fit_one(plan: Plan, item: tuple[str, int]) -> None:
    fits.fit(plan, *item)


@torch.no_grad()
def _glance(name: str) -> Reading:
    """What a model makes of nothing in particular."""
    vlm = model(name)
    features = vlm.constant_features(vlm.prepare([Image.new("RGB", (64, 64))]))
    return read(vlm, features, ["What is this?"], ["a room"], maps=True)
