"""One room with one seed: replayed as people use it, then asked again by the methods that were chosen."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from adapters.jobs.request import Request
from adapters.jobs.store import AdapterStore
from adapters.training.probe import probe_set
from adapters.training.run import load_learner
from agent.learning.room import probe_folder
from agent.recording.record import Recording, read_recording
from agent.recording.visit import Visit, VisitTurn, read_visit
from agent.turns.remembering import pair_id
from bench.learning.asking import RoomStudent, asker
from bench.learning.everywhere import everywhere
from bench.learning.forgetting import Elsewhere, Forgetting, questions_of
from bench.learning.methods import (
    ALL_ROOMS,
    AT_HOME,
    CONTEXT,
    ROOMWISE,
    TAUGHT,
    last_request,
    lessons,
    taught,
)
from bench.learning.more_views import MORE_VIEWS, local_expert, more_views_of, said_after, said_before
from bench.learning.places import alone, session_of
from bench.learning.plan import LearningPlan, Unit, read_part, write_part
from bench.learning.replayed import replayed
from bench.learning.state import home_of
from models.lora import Adapter, base_of, read_adapter
from models.registry import load_model

REPLAY = "replay"
_ADAPTED = (ROOMWISE, AT_HOME, *TAUGHT)


@dataclass(frozen=True)
class UnitResult:
    """What came of a unit: its folder, and the parts by name: `replay`, `roomwise`, and one a method."""

    unit: Unit
    folder: Path
    parts: dict[str, dict[str, Any]]


def measure(plan: LearningPlan, unit: Unit) -> UnitResult | None:
    """Do what is not done yet of a unit; None while another process is at it.

    Raises InputError, ImageError, UnknownModelError, WeightsError, StorageError; what was done is kept.
    """
    session = session_of(unit.place, plan.out)
    visit = read_visit(session)
    folder = unit.folder(plan, visit)
    with alone(folder) as mine:
        if not mine:
            return None
        first = read_part(folder, REPLAY) or write_part(folder, REPLAY, replayed(plan, unit, session, folder))
        parts = {name: _known(plan, folder, name) for name in _names(plan)}
        if not all(parts.values()):
            sessions = [session_of(place, plan.out) for place in unit.others]
            more = more_views_of(unit.place, plan.out) if plan.more_views else None
            for name, part in _Replay(plan, visit, folder, first, sessions, more).parts(parts):
                parts[name] = write_part(folder, name, part)
        return UnitResult(
            unit, folder, {REPLAY: first, **{name: told for name, told in parts.items() if told}}
        )


def _names(plan: LearningPlan) -> tuple[str, ...]:
    return ((MORE_VIEWS,) if plan.more_views else ()) + (ROOMWISE, *plan.methods)


def _known(plan: LearningPlan, folder: Path, name: str) -> dict[str, Any] | None:
    """A part that is whole: what was done without more views is done again with them."""
    part = read_part(folder, name)
    lacks = plan.more_views and part is not None and name in _ADAPTED and MORE_VIEWS not in part
    return None if lacks else part


class _Replay:
    """A replay that has ended, and who learns what it left. `more`: what is asked about more views."""

    def __init__(
        self, plan: LearningPlan, visit: Visit, folder: Path, told: dict[str, Any], others: Sequence[Path],
        more: Visit | None,
    ) -> None:  # fmt: skip
        self._more = more
        self._plan, self._visit, self._run, self._others = plan, visit, folder / "run", others
        recording: Recording = read_recording(self._run / "session")
        self._request = last_request(self._run, recording)
        self._home = home_of(self._run / "adapters", plan.student)
        ids = {number: pair_id(told["session"], number) for number in range(1, len(visit.turns) + 1)}
        self._after: list[int] = [turn["turn"] for turn in told["turns"]]
        self._spared = {id for number, id in ids.items() if number > told["warm_up"]}

    def parts(self, known: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        """The parts that are not known, one after the other."""
        student, memory = load_model(self._plan.student), self._run / "memory"
        with asker(student, self._visit.room, memory, self._plan.config, self._spared) as asking:
            name, probed = self._plan.student, probe_folder(self._plan.student)
            probe = probe_set(student, base_of(name), probed)
            forgetting = Forgetting(asking, Elsewhere(questions_of(self._others), probe))
            for name in known:
                if known[name] is None:
                    yield name, self._part(name, asking, forgetting)

    def _part(self, name: str, asking: RoomStudent, forgetting: Forgetting) -> dict[str, Any]:
        began = monotonic()
        if name == MORE_VIEWS:
            return said_before(self._more, asking, local_expert(self._plan))
        if name == CONTEXT:
            return self._answered(asking, forgetting, began)
        if name == ALL_ROOMS:
            said = everywhere(asking.answerers, self._visit, self._spared, self._after)
            kept = forgetting.of(asking.untouched)
            heard = len(self._ids(self._request))
            return {"said": said, "seconds": monotonic() - began, "pairs": heard, "forgetting": kept}
        adapter, ids = self._kept() if name == ROOMWISE else self._learnt(name)
        home = self._home if name not in TAUGHT or TAUGHT[name].home else None
        seconds = monotonic() - began
        with asking.holding(adapter, ids, home):
            forgot = forgetting.of(asking.adapted, asking.unscoped)
            said = {} if name == ROOMWISE else self._said(asking.adapted)
            more = {MORE_VIEWS: said_after(self._more, asking)} if self._plan.more_views else {}
        return {"said": said, "seconds": seconds, "pairs": len(ids), "forgetting": forgot, **more}

    def _answered(self, asking: RoomStudent, forgetting: Forgetting, began: float) -> dict[str, Any]:
        """With the pairs as context, of which nothing is learnt."""
        ids = self._ids(self._request)
        with asking.holding(None, ids):
            said = self._said(asking.with_context)
            forgot = forgetting.of(asking.with_context)
        return {"said": said, "seconds": monotonic() - began, "pairs": len(ids), "forgetting": forgot}

    def _said(self, says: Any) -> dict[str, str]:
        turns: dict[int, VisitTurn] = dict(enumerate(self._visit.turns, start=1))
        return {str(number): says(turns[number].frame, turns[number].question) for number in self._after}

    def _learnt(self, name: str) -> tuple[Adapter | None, list[str]]:
        request = None
        if self._request is not None and name != AT_HOME:
            request = lessons(self._request, TAUGHT[name], self._spared)
        adapter = None if request is None else taught(load_learner(request), request)
        return adapter, self._ids(request) if adapter else []

    def _kept(self) -> tuple[Adapter | None, list[str]]:
        """The adapter that answers after the replay, and what it was taught."""
        version = AdapterStore(self._run / "adapters").current(self._visit.room)
        if version is None:
            return None, []
        return read_adapter(version.folder, base_of(self._plan.student)), list(version.about["pairs"])

    def _ids(self, request: Request | None) -> list[str]:
        every = [] if request is None else [*request.train, *request.hold_out, *request.extra]
        return [pair.id for pair in every if pair.id not in self._spared]
