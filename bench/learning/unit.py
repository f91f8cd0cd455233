"""One room with one seed: replayed as people use it, then asked again by the methods that were chosen."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from adapters.jobs.request import Request
from adapters.jobs.store import AdapterStore
from adapters.training.probe import probe_set
from adapters.training.run import load_learner
from agent.learning.room import probe_folder
from agent.recording.record import read_recording
from agent.recording.visit import Visit, read_visit
from agent.turns.remembering import pair_id
from bench.learning import methods
from bench.learning.asking import (
    Answerer,
    Elsewhere,
    Forgetting,
    RoomStudent,
    answer_by_votes,
    first_questions,
    open_room_student,
)
from bench.learning.methods import ROOMWISE, TAUGHT
from bench.learning.more_views import MORE_VIEWS, ask_adapted, ask_before, local_expert, open_more_views
from bench.learning.places import claim_folder, session_of
from bench.learning.plan import LearningPlan, Unit, read_part, write_part
from bench.learning.replay import replay_room
from bench.learning.rows import Outcome
from bench.learning.state import read_home
from models.lora import Adapter, base_of, read_adapter
from models.registry import load_model

REPLAY = "replay"
_ADAPTED = (ROOMWISE, methods.AT_HOME, *TAUGHT)


@dataclass(frozen=True)
class UnitResult:
    """What came of a unit: its folder, and the parts by name: `replay`, `roomwise`, and one a method."""

    unit: Unit
    folder: Path
    parts: dict[str, dict[str, Any]]

    def outcome(self, turn: Mapping[str, Any], tag: str, answers: Mapping[str, str]) -> Outcome:
        """A question of its room under a tag, with what each method said."""
        place, seed = self.unit.place.name, self.unit.seed
        return Outcome(place, turn["turn"], tag, turn["reference"], answers, seed)


def measure(plan: LearningPlan, unit: Unit) -> UnitResult | None:
    """Do what is not done yet of a unit; None while another process is at it.

    Raises InputError, ImageError, UnknownModelError, WeightsError, StorageError; what was done is kept.
    """
    session = session_of(unit.place, plan.out)
    visit = read_visit(session)
    folder = unit.folder(plan, visit)
    with claim_folder(folder) as claimed:
        if not claimed:
            return None
        replay = replay_once(plan, unit, session, folder)
        names = [MORE_VIEWS] * plan.more_views + [ROOMWISE, *plan.methods]
        parts = {name: _read_complete(plan, folder, name) for name in names}
        if not all(parts.values()):
            sessions = [session_of(place, plan.out) for place in unit.others]
            more = open_more_views(unit.place, plan.out) if plan.more_views else None
            for name, part in _Replay(plan, visit, folder, replay, sessions, more).run_missing(parts):
                parts[name] = write_part(folder, name, part)
        return UnitResult(
            unit, folder, {REPLAY: replay} | {name: part for name, part in parts.items() if part}
        )


def replay_once(plan: LearningPlan, unit: Unit, session: Path, folder: Path) -> dict[str, Any]:
    """The replay's part, from the folder if it is there. Raises what a replay does."""
    return read_part(folder, REPLAY) or write_part(folder, REPLAY, replay_room(plan, unit, session, folder))


def _read_complete(plan: LearningPlan, folder: Path, name: str) -> dict[str, Any] | None:
    """A part that is whole: what was done without more views is done again with them."""
    part = read_part(folder, name)
    lacks = plan.more_views and part is not None and name in _ADAPTED and MORE_VIEWS not in part
    return None if lacks else part


class _Replay:
    """A replay that has ended, and who learns what it left. `more`: what is asked about more views."""

    def __init__(
        self, plan: LearningPlan, visit: Visit, folder: Path, replay: dict[str, Any], others: Sequence[Path],
        more: Visit | None,
    ) -> None:  # fmt: skip
        self._plan, self._visit, self._others, self._more = plan, visit, others, more
        self._run = folder / "run"
        self._request = methods.last_request(self._run, read_recording(self._run / "session"))
        self._home = read_home(self._run / "adapters", plan.student)
        self._after: list[int] = [turn["turn"] for turn in replay["turns"]]
        late = range(replay["warm_up"] + 1, len(visit.turns) + 1)
        self._excluded = {pair_id(replay["session"], number) for number in late}

    def run_missing(self, parts: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        """The parts that are None, one after the other."""
        name, memory = self._plan.student, self._run / "memory"
        vlm = load_model(name)
        with open_room_student(vlm, self._visit.room, memory, self._plan.config, self._excluded) as student:
            probe = probe_set(vlm, base_of(name), probe_folder(name))
            forgetting = Forgetting(student, Elsewhere(first_questions(self._others), probe))
            for part in parts:
                if parts[part] is None:
                    yield part, self._run_part(part, student, forgetting)

    def _run_part(self, name: str, student: RoomStudent, forgetting: Forgetting) -> dict[str, Any]:
        began = monotonic()
        more: dict[str, Any] = {}
        if name == MORE_VIEWS:
            return ask_before(self._more, student, local_expert(self._plan))
        if name == methods.ALL_ROOMS:
            answers = answer_by_votes(student.answerers, self._visit, self._excluded, self._after)
            counts, ids = forgetting.count(student.answer_bare), self._pair_ids(self._request)
            seconds = monotonic() - began
        elif name == methods.CONTEXT:  # nothing is learnt of the pairs
            ids = self._pair_ids(self._request)
            with student.use_adapter(None, ids):
                answers = self._answers(student.answer_with_context)
                counts = forgetting.count(student.answer_with_context)
            seconds = monotonic() - began
        else:
            adapter, ids = self._room_adapter() if name == ROOMWISE else self._train(name)
            home = self._home if name not in TAUGHT or TAUGHT[name].home else None
            seconds = monotonic() - began
            with student.use_adapter(adapter, ids, home):
                counts = forgetting.count(student.answer_adapted, student.answer_always)
                answers = {} if name == ROOMWISE else self._answers(student.answer_adapted)
                more = {MORE_VIEWS: ask_adapted(self._more, student)} if self._plan.more_views else {}
        return {"said": answers, "seconds": seconds, "pairs": len(ids), "forgetting": counts, **more}

    def _answers(self, answer: Answerer) -> dict[str, str]:
        turns = {number: self._visit.turns[number - 1] for number in self._after}
        return {str(number): answer(turn.frame, turn.question) for number, turn in turns.items()}

    def _train(self, name: str) -> tuple[Adapter | None, list[str]]:
        request = None
        if self._request is not None and name != methods.AT_HOME:
            request = methods.method_request(self._request, TAUGHT[name], self._excluded)
        adapter = None if request is None else methods.train_adapter(load_learner(request), request)
        return adapter, self._pair_ids(request) if adapter else []

    def _room_adapter(self) -> tuple[Adapter | None, list[str]]:
        """The adapter that answers after the replay, and what it was taught."""
        version = AdapterStore(self._run / "adapters").current(self._visit.room)
        if version is None:
            return None, []
        return read_adapter(version.folder, base_of(self._plan.student)), list(version.about["pairs"])

    def _pair_ids(self, request: Request | None) -> list[str]:
        pairs = [] if request is None else [*request.train, *request.hold_out, *request.extra]
        return [pair.id for pair in pairs if pair.id not in self._excluded]
