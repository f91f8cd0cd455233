"""Tiny rooms for `bench learning`: real students and real jobs, all of it in this process."""

import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tiny_jobs import LIMITS, RECIPE, save_student
from tiny_memory import WordsAndColours
from tiny_sessions import write_visit

from adapters.jobs.job import write_request, write_result
from adapters.jobs.request import Request
from adapters.training.probe import probe_set
from adapters.training.run import run
from agent.learning import rooms
from agent.learning.home import home_request
from agent.learning.jobs import Job
from agent.learning.room import adaptation_request
from agent.loop import build
from bench.learning import asking, state, stream, unit
from bench.learning.plan import LearningPlan
from core.config import Config
from core.sections import RouterConfig

WARM_UP, TURNS = 4, 6
SMALL = replace(RECIPE, steps=6, general=2, similar=2)


def small_loop(patch: pytest.MonkeyPatch) -> None:
    """Replays in this process learn for a few steps, and compare questions by their words."""
    for module in (build, asking, rooms, stream):
        patch.setattr(module, "room_embedder", lambda student: WordsAndColours())
    patch.setattr(asking, "_EACH", 2)
    patch.setattr(unit, "probe_set", lambda *about: probe_set(*about)[:2])
    patch.setattr(build, "adaptation_request", _small)
    patch.setattr(build, "start", _at_once)
    patch.setattr(state, "home_request", _small_home)


def tiny_plan(folder: Path, *methods: str) -> LearningPlan:
    """A plan with a tiny student, who may use its adapter for anything."""
    student = folder / "student"
    name = str(student) if student.is_dir() else save_student(student)
    config = Config(router=RouterConfig(scope=-1))
    return LearningPlan(name, "recorded", WARM_UP, methods, config, folder / "out")


def tiny_rooms(folder: Path, count: int) -> Path:
    """A folder of so many sessions."""
    folder.mkdir()
    for number in range(count):
        session = write_visit(folder / f"room-{number}", TURNS)
        told = (session / "session.json").read_text().replace('"den"', f'"den-{number}"')
        (session / "session.json").write_text(told)
    return folder


def _small(*args: Any, **kwargs: Any) -> Request:
    return replace(adaptation_request(*args, **kwargs), recipe=SMALL, limits=LIMITS)


def _small_home(*args: Any, **kwargs: Any) -> Request:
    return replace(home_request(*args, **kwargs), recipe=SMALL, limits=replace(LIMITS, loses=1.0))


def _at_once(folder: Path, request: Request) -> Job:
    job = folder / uuid.uuid4().hex[:12]
    write_request(job, request)
    write_result(job, run(job, request))
    return Job(job, None)
