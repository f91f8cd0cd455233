"""One room of a study: every method that is not done yet learns its warm-up and answers the rest."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import torch
from PIL import Image

from adapters.jobs.request import Recipe
from adapters.training.lessons import Data
from adapters.training.probe import probe_set
from adapters.training.train import train
from agent.learning.room import probe_folder
from bench.measure.crew import Crew, crew
from bench.studies.distill.computed import code_loss
from bench.studies.distill.few_shot import DistillationMethod, Pairs, read, train_few
from bench.studies.distill.reading import ModelReading, available_needs
from bench.studies.distill.terms import missing_needs
from bench.studies.few_shot import fits
from bench.studies.few_shot.fits import fit_path, load_fit
from bench.studies.few_shot.methods import Entry
from bench.studies.few_shot.rooms import StudyPlan, StudyRoom, expert_room, load_pictures, model
from core.files import atomic_write_text, storage_errors
from core.types import Example
from models.lora import Adapter, AdapterSlot, base_of
from models.vlm import VisionLanguageModel


def make_ready(student: VisionLanguageModel) -> None:
    """Make what all rooms share, before several processes need it at once."""
    probe_set(student, base_of(student.name), probe_folder(student.name))


def train_adapter(
    student: VisionLanguageModel,
    pairs: Sequence[Example],
    extra: Sequence[Example],
    recipe: Recipe,
    seed: int,
) -> Adapter:
    """What the product would learn from these pairs and from what the agent asked, with their signals."""
    probe = probe_set(student, base_of(student.name), probe_folder(student.name))
    data = Data(pairs, probe=probe, extra=extra)
    adapter = train(student, data, recipe, seed, lambda step, loss: None, lambda: 0.0)
    assert adapter is not None  # only time's end leaves none
    return adapter


@dataclass(frozen=True)
class MethodResult:
    """What a method said to the later turns, in order; what training told, and the seconds it took."""

    said: tuple[str, ...]
    losses: Mapping[str, float] = field(default_factory=dict)
    norms: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True)
class RoomScene:
    """A room in this process: features and readings are made once for all methods."""

    plan: StudyPlan
    room: StudyRoom

    @cached_property
    def features(self) -> torch.Tensor:
        """The student's tower features of each turn's picture, [turns, ...]."""
        return _features(self.plan.student, self.room)

    @cached_property
    def pairs(self) -> Pairs:
        """The warm-up as both models read it."""
        examples = self.room.pairs()
        places = [int(example.id.rpartition("-")[2]) for example in examples]
        words = [example.question for example in examples], [example.answer for example in examples]
        expert = model(self.plan.expert)
        with torch.no_grad():
            features = _features(self.plan.expert, self.room)[places]
            return Pairs(self.features[places], *words, read(expert, features, *words, maps=True))


def work(plan: StudyPlan, entries: Sequence[Entry], seeds: int, index: int) -> None:
    """Do what is missing of a room and keep each result as soon as there is one."""
    torch.set_num_threads(1)
    missing = [
        (entry, seed)
        for seed in range(seeds)
        for entry in entries
        if (seed == 0 or entry.seeded) and read_result(plan, entry, index, seed) is None
    ]
    scene = RoomScene(plan, expert_room(plan, plan.split, index))
    for entry, seed in missing:
        result = _result(scene, entry, seed)
        content = {"about": entry.about(plan.course), **vars(result)}
        atomic_write_text(plan.result(entry.name, index, seed), json.dumps(content) + "\n")


def read_result(plan: StudyPlan, entry: Entry, index: int, seed: int) -> MethodResult | None:
    """A result that was made before in the same way. What is damaged or of another way is made again."""
    path = plan.result(entry.name, index, seed if entry.seeded else 0)
    if not path.is_file():
        return None
    try:
        with storage_errors("read", path):
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if content.pop("about") != json.loads(json.dumps(entry.about(plan.course))):
            return None
        return replace(MethodResult(**content), said=tuple(content["said"]))
    except (ValueError, KeyError, TypeError):
        return None


def _result(scene: RoomScene, entry: Entry, seed: int) -> MethodResult:
    began = time.process_time()
    if not entry.seeded or not scene.room.pairs():
        return MethodResult(_answer_later(scene, None))
    if entry.recipe is not None:
        pairs = scene.room.pairs()
        extra = scene.room.extra() if entry.extra else []
        if not entry.signals:
            pairs, extra = ([replace(example, signal=None) for example in part] for part in (pairs, extra))
        adapter = train_adapter(model(scene.plan.student), pairs, extra, entry.recipe, seed)
        return MethodResult(_answer_later(scene, adapter), seconds=_seconds_since(began))
    plan = scene.plan
    codes = {term: code_loss(load_fit(fit_path(plan, name, seed))) for term, name in entry.fits.items()}
    method = DistillationMethod(entry.weights, entry.balance, entry.drawn, codes)
    training = train_few(model(plan.student), scene.pairs, method, plan.course, seed)
    return MethodResult(
        _answer_later(scene, training.adapter), training.losses, training.norms, _seconds_since(began)
    )


def _answer_later(scene: RoomScene, adapter: Adapter | None) -> tuple[str, ...]:
    """The student's answers to the later turns, by itself: no memory, no expert."""
    student, later = model(scene.plan.student), list(scene.room.later)
    slot = AdapterSlot(student)
    slot.activate(adapter)
    try:
        with torch.no_grad():
            vision = student.project(scene.features[later])
        questions = [scene.room.turns[place].question for place in later]
        return tuple(answer.text for answer in student.answer_many(vision, questions, scene.plan.longest))
    finally:
        slot.deactivate()


def _features(name: str, room: StudyRoom) -> torch.Tensor:
    """One row a turn; a picture that comes up again is looked at once."""
    vlm = model(name)
    first = {turn.frame: turn for turn in room.turns}
    places = {frame: place for place, frame in enumerate(first)}
    features = vlm.constant_features(vlm.prepare(load_pictures(list(first.values()))))
    return features[[places[turn.frame] for turn in room.turns]]


def _seconds_since(began: float) -> float:
    return round(time.process_time() - began, 2)


def find_incomputable(plan: StudyPlan, entries: Sequence[Entry]) -> dict[str, str]:
    """For each method that cannot be computed for this pair of models, why."""
    capabilities = available_needs(_read_once(plan.student), _read_once(plan.expert), autoencoders=True)
    reasons = {}
    for entry in entries:
        missing = missing_needs(entry.weights, capabilities)
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
    workers.each(partial(fits.fit, plan), missing, "autoencoders")


@torch.no_grad()
def _read_once(name: str) -> ModelReading:
    """What a model makes of nothing in particular."""
    vlm = model(name)
    features = vlm.constant_features(vlm.prepare([Image.new("RGB", (64, 64))]))
    return read(vlm, features, ["What is this?"], ["a room"], maps=True)
