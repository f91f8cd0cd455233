"""Puts the parts together; the only place of the loop that loads models and names folders."""

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
from agent.learning.room import adaptation_request
from agent.learning.task import LearningSettings
from agent.loop.controller import Controller
from agent.machine.meters import Meters, free_memory
from agent.recording.past import Past, read_past, visit_digest
from agent.recording.record import SESSION, Recorder
from agent.recording.visit import Visit, VisitTurn
from agent.sessions.redact import end_redactions
from agent.takeover.takeover import open_takeover
from agent.turns.answerers import Answerers, RecordedExpert, Room
from agent.turns.interviewer import came_after
from agent.turns.others import other_rooms
from agent.turns.remembering import pair_id
from agent.turns.turn import Emit
from agent.whereabouts.finding import open_whereabouts
from agent.whereabouts.rooms import end_change
from agent.whereabouts.whereabouts import FRESH, Whereabouts, fresh_name
from core.config import Config
from core.events import Failed, Resumed, SessionStarted
from core.files import cache_dir, config_dir, state_dir, sweep
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
"""The expert whose answers are part of the session."""


@dataclass(frozen=True)
class SessionOptions:
    """Names of the models, length of the warm-up, folder of the files. `live`: the session runs in real time,
    so home is consolidated meanwhile.
    """

    student: str
    expert: str
    warm_up: int
    seed: int
    folder: Path
    live: bool = False


@dataclass(frozen=True)
class SessionFolders:
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
    """A session about to begin or continue, and its past."""

    controller: Controller
    past: Past


@contextmanager
def stage_session(
    visit: Visit, options: SessionOptions, config: Config, watch: Emit, one_room: bool = False
) -> Iterator[Stage]:
    """Everything a replay needs, in a folder that is new or holds the same session unfinished. In a visit to
    several rooms the agent has to recognise them, unless all count as `one_room`. The folder is this
    process's alone; the session ends on leaving. Raises InputError when the folder holds another or a
    finished session, UnknownModelError, WeightsError, StorageError.
    """
    _check_names(options, config)
    folders = SessionFolders.below(options.folder)
    with ExitStack() as stack:
        stack.callback(lock_folder(options.folder).release)
        _sweep(options.folder)
        about = _about(visit.room, options) | {"visit": visit_digest(visit)}
        past = read_past(folders.session, about, len(visit.turns))
        expert = stack.enter_context(_expert(options, config, past, visit.turns))
        wanders = visit.wanders and not one_room
        name = past.rooms.last or (FRESH if wanders else visit.room)
        opened = _answerers(name, folders, options, expert, config, past)
        answerers, room, notices = stack.enter_context(opened)
        where = _whereabouts(answerers, notices, past, options.folder, told=False) if wanders else None
        _forget_unanswered(answerers.memory, past, len(visit.turns))
        recorder = stack.enter_context(_recorder(folders.session, about, past))
        learning = _learning(folders, options)
        controller = Controller(answerers, room, learning, recorder, options.warm_up, watch, past, where)
        stack.callback(controller.close)
        _begin(controller, options, past, notices)
        yield Stage(controller, past)


@contextmanager
def live(
    room: str | None,
    session: str,
    options: SessionOptions,
    config: Config,
    watch: Emit,
    record: Callable[[Path, dict[str, Any]], Recorder] = Recorder,
) -> Iterator[Controller]:
    """A new session, recorded under `session` below `options.folder`, with the memory and adapters of all
    before. Without a `room` the agent recognises it. `record` makes the recorder. The folder is this
    process's alone; the session ends on leaving. Raises UnknownModelError, WeightsError, ConfigError,
    StorageError.
    """
    _check_names(options, config)
    folders = SessionFolders.below(options.folder, session)
    past = Past(uuid.uuid4().hex)
    with ExitStack() as stack:
        stack.callback(lock_folder(options.folder).release)
        _sweep(options.folder)
        expert = stack.enter_context(_expert(options, config, past))
        opened = _answerers(room, folders, options, expert, config, past)
        answerers, here, notices = stack.enter_context(opened)
        where = _whereabouts(answerers, notices, past, options.folder, told=room is not None)
        end_redactions(options.folder)
        end_change(answerers.memory, AdapterStore(folders.adapters))
        about = {"session": past.session, **_about(here.name, options)}
        recorder = stack.enter_context(record(folders.session, about))
        learning = _learning(folders, options)
        controller = Controller(answerers, here, learning, recorder, options.warm_up, watch, past, where)
        stack.callback(controller.close)
        _begin(controller, options, past, notices)
        yield controller


def _whereabouts(
    answerers: Answerers, notices: list[Failed], past: Past, folder: Path, told: bool
) -> Whereabouts | None:
    """What tells rooms apart; anything to report about it joins the notices."""

    def notice(sentence: str) -> None:
        notices.append(Failed(at=time.time(), what="index", error=sentence))

    unsettled = not told and not past.begun
    return open_whereabouts(
        answerers.memory, answerers.student, notice, told=told, unsettled=unsettled, state=folder
    )


@contextmanager
def _answerers(
    room: str | None,
    folders: SessionFolders,
    options: SessionOptions,
    expert: Expert,
    config: Config,
    past: Past,
) -> Iterator[tuple[Answerers, Room, list[Failed]]]:
    """Who can answer, the current room, and anything to report about opening them."""
    student = load_model(options.student, vision_tokens=config.student.vision_tokens)
    keep_tokens(student, config.student.keep_tokens)
    index_notices: list[str] = []
    with Memory.open(folders.memory, room_embedder(student), on_notice=index_notices.append) as memory:
        takeover, warning = open_takeover(options.student, config.router.agreement, past.audits)
        room = room or fresh_name({*memory.rooms(), *memory.gallery.counts()})
        others = other_rooms(memory)
        answerers = Answerers(past.session, student, expert, memory, config, others=others)
        notices = [Failed(at=time.time(), what="index", error=sentence) for sentence in index_notices]
        if warning:
            notices.append(Failed(at=time.time(), what="calibration", error=warning))
        yield answerers, Room(room, takeover=takeover), notices


def _begin(controller: Controller, options: SessionOptions, past: Past, notices: Sequence[Failed]) -> None:
    if past.begun:
        controller.begin(Resumed(at=time.time(), turn=past.turn + 1))
    else:
        about = _about(controller.rooms.here.name, options)
        controller.begin(SessionStarted(at=time.time(), session=past.session, **about))
    for notice in notices:
        controller.emit(notice)


def _sweep(folder: Path) -> None:
    """Delete what killed processes left, here and in our own folders. Raises StorageError."""
    for place in {folder, state_dir(), cache_dir(), config_dir()}:
        sweep(place)


def _check_names(options: SessionOptions, config: Config) -> None:
    """A mistyped name leaves no folder behind. Raises UnknownModelError, ConfigError."""
    model_folder(options.student)
    if is_address(options.expert):
        remote_expert(config, options.expert).close()
    elif options.expert != RECORDED:
        model_folder(options.expert)


def _about(room: str, options: SessionOptions) -> dict[str, Any]:
    return {
        "room": room,
        "student": options.student,
        "expert": options.expert,
        "warm_up": options.warm_up,
        "seed": options.seed,
    }


def _recorder(folder: Path, about: dict[str, Any], past: Past) -> Recorder:
    if (folder / SESSION).exists():
        return Recorder.reopen(folder)
    return Recorder(folder, {"session": past.session, **about})


def _forget_unanswered(memory: Memory, past: Past, turns: int) -> None:
    """Delete pairs of turns that were not answered here, and unreported extras: all will be asked again."""
    unanswered = {pair_id(past.session, turn) for turn in range(past.turn + 1, turns + 1)}
    unreported = [turn for turn in range(1, turns + 1) if turn not in past.inquired]
    for pair in memory.pairs():
        if pair.id in unanswered or any(came_after(pair, past.session, turn) for turn in unreported):
            memory.delete(pair.id)


def _learning(folders: SessionFolders, options: SessionOptions) -> LearningSettings:
    request = partial(adaptation_request, seed=options.seed)
    home = partial(home_adaptation, seed=options.seed) if options.live else None
    seed = options.seed if options.live else None
    # A replay must come out the same on every machine.
    machine = partial(_machine, Meters()) if options.live else Machine
    store = AdapterStore(folders.adapters)
    encoders = options.folder if options.live else None

    def fit_memory(order: Order) -> Fit:
        return fit(order, Machine(free_memory()))

    return LearningSettings(store, folders.jobs, request, start, home, seed, fit_memory, machine, encoders)


def _machine(meters: Meters) -> Machine:
    reading = meters.read()
    return Machine(celsius=reading.celsius, watts=reading.watts)


@contextmanager
def _expert(
    options: SessionOptions, config: Config, past: Past, recorded: Sequence[VisitTurn] = ()
) -> Iterator[Expert]:
    if options.expert == RECORDED:
        yield RecordedExpert(recorded)
    elif is_address(options.expert):
        limits, spent = config.expert, past.spent
        budget = Budget(limits.max_calls, limits.max_bytes, spent.calls, spent.bytes)
        with closing(remote_expert(config, options.expert, budget)) as remote:
            yield remote
    else:
        vlm = load_model(options.expert, attention="eager")
        yield LocalExpert(vlm, config.student.max_new_tokens, config.expert.looks)
