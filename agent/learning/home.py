"""Home, the adapter a new room begins with: learnt from the pairs of all rooms."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from adapters.jobs.request import JobLimits, Recipe, Request, Result, home_recipe
from adapters.jobs.store import HOME, AdapterStore
from agent.learning.guard import LEAST_ROOMS, Order, RoomCounts
from agent.learning.jobs import Job
from agent.learning.room import examples, probe_folder
from agent.learning.task import JudgedTask, LearningSettings, home_label
from agent.turns.answerers import Answerers
from core.config import Config
from core.events import Consolidated
from core.ports import Say
from memory.sampling import replay
from memory.store import Memory
from models.footprint import footprint
from models.registry import model_folder

_MOST, _ASKED, _JUDGING = 4000, 1000, 400
"""Pairs: in all, asked by people, held out to judge."""
_EVERY = 5
_FOLDER = "home"
"""Below the jobs, so that a killed process's remains are cleared."""


def home_limits(config: Config) -> JobLimits:
    """Limits of a consolidation; it must lose no answer about a room it has not seen."""
    return JobLimits(seconds=config.adaptation.home_seconds, loses=0.0)


def home_adaptation(answerers: Answerers, here: str, store: AdapterStore, seed: int) -> Request:
    """`home_request` of all rooms but the current one, which has an adapter of its own."""
    config = answerers.config
    request = home_request(answerers.memory, answerers.student.name, home_limits(config), seed, but=here)
    student = config.student
    return replace(request, keep_tokens=student.keep_tokens, vision_tokens=student.vision_tokens)


def home_request(memory: Memory, base: str, limits: JobLimits, seed: int, but: str = "") -> Request:
    """Learn from all rooms, always from the untouched base, so that nothing adds up over time. The pairs are
    a bounded sample, equally many of each room; every fifth room judges. Raises ValueError when there is no
    pair, UnknownModelError.
    """
    pairs = [pair for pair in memory.pairs() if pair.room != but]
    judging = set(judges(list(dict.fromkeys(pair.room for pair in pairs))))
    others = [pair for pair in pairs if pair.room not in judging]
    held_out = replay([pair for pair in pairs if pair.room in judging], _JUDGING, seed)
    asked = replay([pair for pair in others if pair.asker == "person"], _ASKED, seed)
    extra = replay(
        [pair for pair in others if pair.asker == "agent"], _MOST - len(held_out) - len(asked), seed
    )
    if not asked:
        asked, extra = extra, []
    return Request(
        room=HOME,
        base=base,
        train=examples(memory, asked),
        hold_out=examples(memory, held_out),
        extra=examples(memory, extra),
        probe=probe_folder(base),
        seed=seed,
        recipe=home_recipe(len(extra)),
        limits=limits,
    )


def judges(rooms: Sequence[str]) -> list[str]:
    """Every fifth of the rooms in the order they were met, or the last of three or four; of fewer, none."""
    fifths = list(rooms[_EVERY - 1 :: _EVERY])
    return fifths or list(rooms[-1:] if len(rooms) >= LEAST_ROOMS else ())


class HomeTask(JudgedTask):
    """Consolidates home beside a session, from the pairs of all other rooms."""

    name = "home"

    def __init__(
        self, answerers: Answerers, here: Callable[[], str], settings: LearningSettings, say: Say
    ) -> None:
        self._answerers, self._here, self._settings, self._say = answerers, here, settings, say
        super().__init__(settings.home is not None)
        self._request: Request | None = None

    def count(self) -> RoomCounts:
        here, rooms = self._here(), self._answerers.memory.rooms()
        others = {room: pairs for room, pairs in rooms.items() if room != here}
        return RoomCounts(len(others), sum(others.values()), *self._settings.store.considered())

    def order(self) -> Order:
        self._judged = True
        if self._settings.home is None:
            raise ValueError("home is left alone here")
        self._request = self._settings.home(self._answerers, self._here(), self._settings.store)
        request = self._request
        return Order(footprint(model_folder(request.base), request.vision_tokens), request.recipe)

    def start(self, recipe: Recipe | None, note: str) -> Job:
        if self._request is None or recipe is None:
            raise ValueError("nothing was ordered")
        self._began = time.monotonic()
        return self._settings.start(self._settings.jobs / _FOLDER, replace(self._request, recipe=recipe))

    def end(self, job: Job, result: Result) -> bool:
        """Adopt a promoted candidate as home; judge again only when more pairs have come."""
        promoted = result.outcome == "promote"
        version = self._settings.store.adopt(HOME, job.folder) if promoted else None
        if not job.died:
            self._settings.store.consider(self._counts.rooms, self._counts.pairs)
        self._say(
            Consolidated, rooms=self._counts.rooms, pairs=self._counts.pairs, promoted=promoted,
            reason=result.reason, seconds=time.monotonic() - self._began,
            adapter=home_label(version.number) if version else "",
        )  # fmt: skip
        return promoted
