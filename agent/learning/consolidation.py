"""Home consolidated beside a session: what all other rooms taught, learnt anew in the background."""

import time
from dataclasses import replace

from adapters.request import Request, Result
from adapters.store import HOME
from agent.learning.adaptations import Adapting, Say, label
from agent.learning.beside import Beside
from agent.learning.jobs import Job
from agent.learning.scheduler import Known, home_due
from agent.turns.turn import Mind
from core.events import Consolidated, Failed

_FOLDER = "home"
"""Below the jobs, where what a killed process left of it is thrown away."""


class Consolidation(Beside):
    """At most one job. Without a way to make a request it never begins one."""

    def __init__(self, mind: Mind, adapting: Adapting, say: Say) -> None:
        super().__init__()
        self._mind, self._adapting, self._say = mind, adapting, say
        self._known = Known(0, 0)
        self._began = 0.0
        self._settled = adapting.home is None

    def start_if_due(self) -> None:
        """Begin if the time has come. It is judged once: a session adds nothing to the other rooms."""
        if self._settled or self._job is not None or self._adapting.home is None:
            return
        self._settled = True
        self._known = self._counted()
        if home_due(self._known):
            request: Request = self._adapting.home(self._mind, self._adapting.store)
            fitting = self._adapting.fit(request)
            if fitting.recipe is None:
                self._say(Failed, what="home", error=fitting.reason)
                return
            request = replace(request, recipe=fitting.recipe)
            self._job = self._adapting.start(self._adapting.jobs / _FOLDER, request)
            self._began = time.monotonic()

    def _again(self) -> None:
        self._settled = False

    def _counted(self) -> Known:
        others = {room: pairs for room, pairs in self._mind.memory.rooms().items() if room != self._mind.room}
        return Known(len(others), sum(others.values()), *self._adapting.store.considered())

    def _end(self, job: Job, result: Result) -> bool:
        promoted = result.outcome == "promote"
        version = self._adapting.store.adopt(HOME, job.folder) if promoted else None
        if not job.died:
            self._adapting.store.consider(self._known.rooms, self._known.pairs)
        self._say(
            Consolidated, rooms=self._known.rooms, pairs=self._known.pairs, promoted=promoted,
            reason=result.reason, seconds=time.monotonic() - self._began,
            adapter=home_label(version.number) if version else "",
        )  # fmt: skip
        return promoted


def home_label(number: int) -> str:
    """A version of home as events name it, told from a room's."""
    return f"home {label(number)}"
