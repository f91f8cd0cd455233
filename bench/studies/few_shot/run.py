"""A whole study: what can be compared, then autoencoders, then rooms; what is done is not done again."""

from collections.abc import Sequence
from functools import partial

import torch
from PIL import Image

from bench.measure.crew import Crew, crew
from bench.studies.distill.few_shot import read
from bench.studies.distill.reading import ModelReading, offered
from bench.studies.distill.terms import lacking
from bench.studies.few_shot import fits
from bench.studies.few_shot.methods import Entry
from bench.studies.few_shot.plan import StudyPlan
from bench.studies.few_shot.room_work import make_ready, work
from bench.studies.few_shot.rooms import model


def find_incomputable(plan: StudyPlan, entries: Sequence[Entry]) -> dict[str, str]:
    """For each method that cannot be computed for this pair of models, why."""
    capabilities = offered(_read_once(plan.student), _read_once(plan.expert), autoencoders=True)
    reasons = {}
    for entry in entries:
        missing = lacking(entry.weights, capabilities)
        if missing:
            needs = dict.fromkeys(need.value for needs in missing.values() for need in needs)
            reasons[entry.name] = f"{', '.join(missing)}: both models must give {', '.join(needs)}"
    return reasons


def carry_out(plan: StudyPlan, entries: Sequence[Entry], rooms: int, seeds: int, jobs: int) -> None:
    """Do what is missing of a study."""
    if any(entry.recipe is not None for entry in entries):
        make_ready(model(plan.student))
    with crew(jobs) as workers:
        _fit(plan, entries, seeds, workers)
        workers.each(partial(work, plan, entries, seeds), range(rooms), "rooms")


def _fit(plan: StudyPlan, entries: Sequence[Entry], seeds: int, workers: Crew) -> None:
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


def _fit_one(plan: StudyPlan, item: tuple[str, int]) -> None:
    fits.fit(plan, *item)


@torch.no_grad()
def _read_once(name: str) -> ModelReading:
    """What a model makes of nothing in particular."""
    vlm = model(name)
    features = vlm.constant_features(vlm.prepare([Image.new("RGB", (64, 64))]))
    return read(vlm, features, ["What is this?"], ["a room"], maps=True)
