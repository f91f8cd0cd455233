"""Puts the parts together; the only place of the loop where models are loaded and folders named."""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from adapters.store import AdapterStore
from agent.controller import Adapting, Controller
from agent.experts import Expert, LocalExpert, RecordedExpert
from agent.jobs import start
from agent.learning import adaptation_request
from agent.record import Recorder
from agent.replay import Baselines
from agent.turn import Emit, Mind
from agent.visit import Visit
from core.config import Config
from core.events import SessionStarted
from memory.store import Memory
from models.embedder import room_embedder
from models.registry import load_model

RECORDED = "recorded"
"""The expert whose answers come with the session."""


@dataclass(frozen=True)
class Wish:
    """What a session is to be: the models' names, how long the warm-up is, where its files go."""

    student: str
    expert: str
    warm_up: int
    seed: int
    folder: Path


@dataclass(frozen=True)
class Stage:
    """A session about to begin, and what it is measured against."""

    controller: Controller
    baselines: Baselines


@contextmanager
def staged(visit: Visit, wish: Wish, config: Config, watch: Emit) -> Iterator[Stage]:
    """Everything a replay needs, in a new folder; ended and let go of on leaving.

    Raises UnknownModelError, WeightsError, StorageError.
    """
    student = load_model(wish.student)
    session = uuid.uuid4().hex
    about = {"session": session, "room": visit.room, "student": wish.student, "expert": wish.expert}
    with Memory.open(wish.folder / "memory", room_embedder(student)) as memory:
        mind = Mind(visit.room, session, student, _expert(visit, wish, config), memory, config)
        adapting = Adapting(
            AdapterStore(wish.folder / "adapters"),
            wish.folder / "jobs",
            partial(adaptation_request, probe=None, seed=wish.seed),
            start,
        )
        with Recorder(wish.folder / "session", about) as recorder:
            controller = Controller(mind, adapting, recorder, wish.warm_up, watch)
            controller.emit(
                SessionStarted(
                    at=time.time(),
                    session=session,
                    room=visit.room,
                    student=wish.student,
                    expert=wish.expert,
                    warm_up=wish.warm_up,
                    seed=wish.seed,
                )
            )
            untouched = load_model(wish.student)
            try:
                yield Stage(controller, Baselines(mind, untouched, wish.warm_up, config.images.max_pixels))
            finally:
                controller.close()


def _expert(visit: Visit, wish: Wish, config: Config) -> Expert:
    if wish.expert == RECORDED:
        return RecordedExpert(visit.turns)
    return LocalExpert(load_model(wish.expert, attention="eager"), config.student.max_new_tokens)
