"""Rooms visited one after another, each beginning with what the ones before it left.

A visit replays in a folder of its own, which begins as a copy of the last visit's `state`; when it is over,
what it knows becomes its own `state`, whole or absent. So a stream goes on after the last visit that was
finished, and whoever measures from a state changes nothing for the next. A state that nobody begins with any
more goes.
"""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from adapters.jobs.request import home_recipe
from adapters.jobs.store import AdapterStore
from agent.learning.guard import LEAST_ROOMS
from agent.learning.rooms import learn_rooms
from agent.recording.visit import Visit, read_visit
from agent.turns.answerers import Answerers, Room
from agent.turns.remembering import pair_id
from bench.learning.asking import RoomStudent
from bench.learning.methods import ROOMWISE
from bench.learning.places import Place, claim_folder, session_of
from bench.learning.plan import LearningPlan, Start, Unit, digest, read_part, write_part
from bench.learning.state import RoomState, consolidate, copy_state, read_home
from bench.learning.unit import REPLAY, UnitResult, replay_once
from bench.measure.crew import Crew
from core.files import atomic_directory
from core.frames import read_frame
from memory.store import Memory
from models.embedder import room_embedder
from models.lora import base_of, read_adapter
from models.registry import load_model

_STATE, _RUN, _AGAIN = "state", "run", "again"


@dataclass(frozen=True)
class Leg:
    """One visit of a stream, and where it is kept. `home` names how home is made after it, if it is."""

    unit: Unit
    folder: Path
    home: str = ""

    @property
    def state(self) -> Path:
        """What is known after it; a folder of its own for whatever is made of that."""
        return self.folder / f"{_STATE}{self.home}"

    @property
    def start(self) -> Start:
        """What whoever comes next begins with."""
        return Start(self.state, f"{self.folder.name}{self.home}")

    def result(self) -> UnitResult:
        """What was told of it. It must have been visited."""
        return UnitResult(self.unit, self.folder, {REPLAY: read_part(self.folder, REPLAY) or {}})


def after_visit(state: RoomState) -> None:
    """Consolidate home after a visit, when it is time; if killed, it is called again on a fresh copy."""
    if state.home:
        learn_rooms(state.memory, state.student, state.seed)
        consolidate(state)


def visit_rooms(
    plan: LearningPlan, places: Sequence[Place], seeds: Sequence[int], workers: Crew
) -> list[list[Leg]]:
    """Visit the rooms in order, once with each seed; the legs, by seed. Goes on where it was stopped.

    Raises what a replay does; the visits that were finished are kept.
    """
    by_seed = workers.do(partial(_plan_legs, plan, places), seeds)
    finished = [_count_finished(legs) for legs in by_seed]
    waves = [
        [legs[number] for legs, before in zip(by_seed, finished, strict=True) if number >= before]
        for number in range(len(places))
    ]
    for wave in workers.track([wave for wave in waves if wave], "stream"):
        workers.do(partial(_visit_room, plan), wave)
        for leg in wave:
            _prune(leg.unit.start)
    return by_seed


def transfer(plan: LearningPlan, legs: Sequence[Leg]) -> dict[str, Any] | None:
    """Ask all rooms again at a stream's end: answers by room and turn, None while another process does."""
    last = legs[-1]
    with claim_folder(last.folder) as claimed:
        if not claimed:
            return None
        part = f"{_AGAIN}{last.home}"
        return read_part(last.folder, part) or write_part(last.folder, part, dict(_ask_again(plan, legs)))


def _plan_legs(plan: LearningPlan, places: Sequence[Place], seed: int) -> list[Leg]:
    legs: list[Leg] = []
    recipes = f"-home-{digest([asdict(home_recipe(extra)) for extra in (0, 1)])}"
    for number, place in enumerate(places, start=1):
        unit = Unit(place, seed, (), legs[-1].start if legs else Start())
        home = recipes if home_is_due(number, len(places), plan.home_every) else ""
        legs.append(Leg(unit, unit.folder(plan, _open_visit(plan, place)), home))
    return legs


def home_is_due(number: int, visits: int, every: int | None) -> bool:
    """Whether to consolidate home after this one of so many visits, see `LearningPlan.home_every`."""
    if number < LEAST_ROOMS or every == 0:
        return False
    return number == visits or (every is not None and number % every == 0)


def _count_finished(legs: Sequence[Leg]) -> int:
    """How many visits need not be made again; later ones whose folder is gone are forgotten."""
    finished = 0
    for number, leg in enumerate(legs, start=1):
        if read_part(leg.folder, REPLAY) is None:
            break
        if leg.state.is_dir():
            finished = number
        elif (leg.folder / _RUN).is_dir():
            finished = number - 1
    for leg in legs[finished:]:
        if not (leg.folder / _RUN).is_dir():
            (leg.folder / f"{REPLAY}.json").unlink(missing_ok=True)
    return finished


def _visit_room(plan: LearningPlan, leg: Leg) -> UnitResult | None:
    with claim_folder(leg.folder) as claimed:
        if not claimed:
            return None
        replay_once(plan, leg.unit, session_of(leg.unit.place, plan.out), leg.folder)
        if (leg.folder / _RUN).is_dir() and not leg.state.is_dir():
            with atomic_directory(leg.state) as fresh:
                copy_state(leg.folder / _RUN, fresh)
                visit = _open_visit(plan, leg.unit.place)
                if plan.review:
                    replay = leg.result().parts[REPLAY]
                    review(fresh / "memory", plan.student, visit, replay, plan.config.images.max_pixels)
                after_visit(RoomState(fresh, visit.room, plan.student, leg.unit.seed, bool(leg.home)))
        return leg.result()


def _prune(start: Start) -> None:
    """Let go of the state that a visit began with, and of the replay that left it; what was told stays."""
    if start.folder is None:
        return
    for path in (start.folder.parent / _RUN, start.folder):
        if path.is_dir():
            trash = path.with_name(f".{path.name}.part")  # it is whole or it is not there
            shutil.rmtree(trash, ignore_errors=True)
            path.rename(trash)
            shutil.rmtree(trash, ignore_errors=True)


def _ask_again(plan: LearningPlan, legs: Sequence[Leg]) -> Iterator[tuple[str, dict[str, str]]]:
    student, state = load_model(plan.student), legs[-1].state
    home = read_home(state / "adapters", plan.student)
    with Memory.open(state / "memory", room_embedder(student), read_only=True) as memory:
        for leg in legs:
            visit, replay = _open_visit(plan, leg.unit.place), leg.result().parts[REPLAY]
            own_pairs = {pair_id(replay["session"], turn["turn"]) for turn in replay["turns"]}
            room_student = RoomStudent(
                Answerers("", student, None, memory, plan.config), Room(visit.room), own_pairs
            )
            version = AdapterStore(state / "adapters").current(visit.room)
            adapter = read_adapter(version.folder, base_of(plan.student)) if version else None
            with room_student.use_adapter(adapter, version.about["pairs"] if version else (), home):
                yield leg.unit.place.name, _answers(room_student, visit, replay)


def _answers(student: RoomStudent, visit: Visit, replay: dict[str, Any]) -> dict[str, str]:
    turns = [
        (turn["turn"], visit.turns[turn["turn"] - 1]) for turn in replay["turns"] if ROOMWISE in turn["said"]
    ]
    return {str(number): student.answer_adapted(turn.frame, turn.question) for number, turn in turns}


def _open_visit(plan: LearningPlan, place: Place) -> Visit:
    return read_visit(session_of(place, plan.out))


def review(memory: Path, student: str, visit: Visit, replay: dict[str, Any], max_pixels: int) -> int:
    """Add the expert's later answers to a folder of pairs; returns the calls. Raises StorageError."""
    calls = 0
    with Memory.open(memory, room_embedder(load_model(student))) as pairs:
        for turn in replay["turns"]:
            text, question_turn = turn["said"].get("expert", ""), visit.turns[turn["turn"] - 1]
            if text:
                id = pair_id(replay["session"], turn["turn"])
                frame = read_frame(question_turn.frame, max_pixels)
                pairs.add(visit.room, frame, question_turn.question, text, "expert", "expert", id=id)
                calls += 1
    return calls
