"""Puts the parts together; the only place of the loop where models are loaded and folders named."""

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from adapters.jobs.store import AdapterStore
from agent.learning.guard import Fit, Machine, Order, fit
from agent.learning.home import home_adaptation
from agent.learning.jobs import start
from agent.learning.requests import adaptation_request
from agent.learning.task import LearningSettings
from agent.loop.controller import Controller
from agent.machine.meters import Meters, free_memory
from agent.recording.past import Past, read_past, visit_digest
from agent.recording.record import SESSION, Recorder
from agent.recording.visit import Visit, VisitTurn
from agent.takeover.takeover import ready
from agent.turns.answerers import Answerers, RecordedExpert, Room
from agent.turns.interviewer import came_after
from agent.turns.others import other_rooms
from agent.turns.remembering import pair_id
from agent.turns.turn import Emit
from agent.whereabouts.finding import whereabouts
from agent.whereabouts.whereabouts import FRESH, Whereabouts, fresh_name
from core.config import Config
from core.events import Event, Failed, Resumed, SessionStarted
from core.lock import lock_folder
from core.ports import Expert
from memory.store import Memory
from models.embedder import room_embedder
from models.expert import LocalExpert
from models.registry import load_model, model_folder
from models.remote.address import is_address
from models.remote.budget import Budget
from models.remote.opening import remote_expert
from models.token_pruning import keep_tokens

RECORDED = "recorded"
"""The expert whose answers come with the session."""


@dataclass(frozen=True)
class SessionOptions:
    """What a session is to be: the models' names, how long the warm-up is, where its files go.

    `live`: it takes the time that people take, in which what earlier rooms taught is put together.
    """

    student: str
    expert: str
    warm_up: int
    seed: int
    folder: Path
    live: bool = False


@dataclass(frozen=True)
class SessionFolders:
    """Where a session's parts lie."""

    session: Path
    memory: Path
    adapters: Path
    jobs: Path

    @classmethod
    def below(cls, folder: Path, session: str = "session") -> "SessionFolders":
        """In one folder; `session` is the recording's place in it."""
        return cls(folder / session, folder / "memory", folder / "adapters", folder / "jobs")


@dataclass(frozen=True)
class Stage:
    """A session about to begin or to go on, and what has happened already."""

    controller: Controller
    past: Past


@contextmanager
def staged(
    visit: Visit, wish: SessionOptions, config: Config, watch: Emit, one_room: bool = False
) -> Iterator[Stage]:
    """Everything a replay needs, in a folder that is new or holds the same session unfinished. Of a visit to
    several rooms the agent is told none, unless all are to be taken for `one_room`.

    The folder is this process's alone; the session is ended and let go of on leaving. Raises InputError when
    the folder holds another session or a finished one, UnknownModelError, WeightsError, StorageError.
    """
    _check_names(wish, config)
    places = SessionFolders.below(wish.folder)
    with ExitStack() as held:
        held.callback(lock_folder(wish.folder).release)
        about = _about(visit.room, wish) | {"visit": visit_digest(visit)}
        past = read_past(places.session, about, len(visit.turns))
        expert = held.enter_context(_expert(wish, config, past, visit.turns))
        wanders = visit.wanders and not one_room
        here = past.rooms.last or (FRESH if wanders else visit.room)
        opened = _answerers(here, places, wish, expert, config, past)
        answerers, room, notices = held.enter_context(opened)
        where = _whereabouts(answerers, notices, past, wish.folder, told=False) if wanders else None
        _forget_unanswered(answerers.memory, past, len(visit.turns))
        recorder = held.enter_context(_recorder(places.session, about, past))
        controller = Controller(
            answerers, room, _learning(places, wish), recorder, wish.warm_up, watch, past, where
        )
        held.callback(controller.close)
        _begin(controller, _beginning(here, wish, past), notices)
        yield Stage(controller, past)


@contextmanager
def live(
    room: str | None,
    session: str,
    wish: SessionOptions,
    config: Config,
    watch: Emit,
    record: Callable[[Path, dict[str, Any]], Recorder] = Recorder,
) -> Iterator[Controller]:
    """A new session in a room, None for the agent to tell which, recorded under `session` below
    `wish.folder`; what is remembered there and the adapters are those of all sessions before. `record`
    makes what writes the recording.

    The folder is this process's alone; the session is ended and let go of on leaving. Raises
    UnknownModelError, WeightsError, ConfigError, StorageError.
    """
    _check_names(wish, config)
    places = SessionFolders.below(wish.folder, session)
    past = Past(uuid.uuid4().hex)
    with ExitStack() as held:
        held.callback(lock_folder(wish.folder).release)
        expert = held.enter_context(_expert(wish, config, past))
        opened = _answerers(room, places, wish, expert, config, past)
        answerers, here, notices = held.enter_context(opened)
        where = _whereabouts(answerers, notices, past, wish.folder, told=room is not None)
        about = {"session": past.session, **_about(here.name, wish)}
        recorder = held.enter_context(record(places.session, about))
        controller = Controller(
            answerers, here, _learning(places, wish), recorder, wish.warm_up, watch, past, where
        )
        held.callback(controller.close)
        _begin(controller, _beginning(here.name, wish, past), notices)
        yield controller


def _whereabouts(
    answerers: Answerers, notices: list[Failed], past: Past, state: Path, told: bool
) -> Whereabouts | None:
    """What tells rooms apart; what is to be said of it is added to the notices."""

    def notice(sentence: str) -> None:
        notices.append(Failed(at=time.time(), what="index", error=sentence))

    unsettled = not told and not past.begun
    return whereabouts(
        answerers.memory, answerers.student, notice, told=told, unsettled=unsettled, state=state
    )


@contextmanager
def _answerers(
    room: str | None, places: SessionFolders, wish: SessionOptions, expert: Expert, config: Config, past: Past
) -> Iterator[tuple[Answerers, Room, list[Failed]]]:
    """Who can answer, the room one is in, and what is to be said of how they were found."""
    student = load_model(wish.student)
    keep_tokens(student, config.student.keep_tokens)
    said: list[str] = []
    with Memory.open(places.memory, room_embedder(student), on_notice=said.append) as memory:
        takeover, warning = ready(wish.student, config.router.agreement, past.audits)
        room = room or fresh_name({*memory.rooms(), *memory.gallery.counts()})
        others = other_rooms(memory)
        answerers = Answerers(past.session, student, expert, memory, config, others=others)
        notices = [Failed(at=time.time(), what="index", error=sentence) for sentence in said]
        if warning:
            notices.append(Failed(at=time.time(), what="calibration", error=warning))
        yield answerers, Room(room, takeover=takeover), notices


def _begin(controller: Controller, event: Event, notices: Sequence[Failed]) -> None:
    controller.begin(event)
    for notice in notices:
        controller.emit(notice)


def _check_names(wish: SessionOptions, config: Config) -> None:
    """A mistyped name leaves no folder behind. Raises UnknownModelError, ConfigError."""
    model_folder(wish.student)
    if is_address(wish.expert):
        remote_expert(config, wish.expert).close()
    elif wish.expert != RECORDED:
        model_folder(wish.expert)


def _about(room: str, wish: SessionOptions) -> dict[str, Any]:
    """By what a session is known again."""
    return {
        "room": room,
        "student": wish.student,
        "expert": wish.expert,
        "warm_up": wish.warm_up,
        "seed": wish.seed,
    }


def _recorder(folder: Path, about: dict[str, Any], past: Past) -> Recorder:
    if (folder / SESSION).exists():
        return Recorder.reopen(folder)
    return Recorder(folder, {"session": past.session, **about})


def _forget_unanswered(memory: Memory, past: Past, turns: int) -> None:
    """What the expert said to questions that were never answered here, and what it was asked after turns
    without it being told: all that will be asked again.
    """
    unanswered = {pair_id(past.session, turn) for turn in range(past.turn + 1, turns + 1)}
    untold = [turn for turn in range(1, turns + 1) if turn not in past.inquired]
    for pair in memory.pairs():
        if pair.id in unanswered or any(came_after(pair, past.session, turn) for turn in untold):
            memory.delete(pair.id)


def _learning(places: SessionFolders, wish: SessionOptions) -> LearningSettings:
    request = partial(adaptation_request, seed=wish.seed)
    home = partial(home_adaptation, seed=wish.seed) if wish.live else None
    seed = wish.seed if wish.live else None
    # Replayed, a session must come out the same on every machine.
    machine = partial(_machine, Meters()) if wish.live else Machine
    store = AdapterStore(places.adapters)
    encoders = wish.folder if wish.live else None
    return LearningSettings(store, places.jobs, request, start, home, seed, _fit, machine, encoders)


def _fit(order: Order) -> Fit:
    return fit(order, Machine(free_memory()))


def _machine(meters: Meters) -> Machine:
    reading = meters.read()
    return Machine(celsius=reading.celsius, watts=reading.watts)


def _beginning(room: str, wish: SessionOptions, past: Past) -> Event:
    if past.begun:
        return Resumed(at=time.time(), turn=past.turn + 1)
    return SessionStarted(
        at=time.time(),
        session=past.session,
        room=room,
        student=wish.student,
        expert=wish.expert,
        warm_up=wish.warm_up,
        seed=wish.seed,
    )


@contextmanager
def _expert(
    wish: SessionOptions, config: Config, past: Past, recorded: Sequence[VisitTurn] = ()
) -> Iterator[Expert]:
    if wish.expert == RECORDED:
        yield RecordedExpert(recorded)
    elif is_address(wish.expert):
        limits, spent = config.expert, past.spent
        budget = Budget(limits.max_calls, limits.max_bytes, spent.calls, spent.bytes)
        with closing(remote_expert(config, wish.expert, budget)) as remote:
            yield remote
    else:
        vlm = load_model(wish.expert, attention="eager")
        yield LocalExpert(vlm, config.student.max_new_tokens, config.expert.looks)
