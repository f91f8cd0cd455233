"""What the pairs of all rooms say to a question, learnt anew from memory: now, or beside a session.

The child has a low priority, writes whole files into the memory's folder and nothing else, and can be killed
at any moment: what was learnt before is still there then.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from adapters.jobs.job import ATTACHED, end_with_input, write_result
from adapters.jobs.request import Recipe, Result
from agent.learning.guard import Order
from agent.learning.jobs import Job, launch, new_job
from agent.learning.scheduler import Known, home_due
from agent.learning.task import LearningSettings, Task
from agent.turns.answerers import Answerers
from agent.turns.others import learn_from_rooms
from agent.turns.view import EncodedView
from core.errors import RoomwiseError
from core.events import Failed, RoomsLearnt
from core.files import atomic_write_text
from core.frames import MAX_PIXELS
from core.pictures import load_image
from core.ports import Say
from core.types import Answer, Pair
from memory.store import Memory
from models.embedder import room_embedder
from models.footprint import footprint
from models.registry import load_model, model_folder

_KNOWN = "rooms.json"
_TOKENS = 24
_NICE, _THREADS = 10, 1
_FOLDER = "rooms"
"""Below the jobs, where what a killed process left of it is thrown away."""


def learn_rooms(folder: Path, student: str, seed: int) -> None:
    """Learn from the memory in `folder` which pairs bear on what, and audit that against the bare student.

    Raises UnknownModelError, WeightsError, StorageError.
    """
    model = load_model(student)
    with Memory.open(folder, room_embedder(model), read_only=True) as memory:

        def says(pair: Pair) -> Answer:
            view = EncodedView(model, load_image(memory.frame_path(pair), MAX_PIXELS))
            return model.answer(view.vision, pair.question, _TOKENS)

        rooms = memory.rooms()
        learn_from_rooms(memory, says, seed)
    told = {"rooms": len(rooms), "pairs": sum(rooms.values())}
    atomic_write_text(folder / _KNOWN, json.dumps(told) + "\n")


def known_then(folder: Path) -> tuple[int, int]:
    """Of how many rooms and pairs that was learnt last; 0 for never."""
    try:
        told = json.loads((folder / _KNOWN).read_bytes())
        return int(told["rooms"]), int(told["pairs"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0, 0


class RoomsTask(Task):
    """The votes of all rooms, learnt anew beside a session. Without a `seed` it is never due."""

    name = "learning from all rooms"

    def __init__(
        self, answerers: Answerers, settings: LearningSettings, learnt: Callable[[], None], say: Say
    ) -> None:
        """`learnt` is called when there is something new to use."""
        self._answerers, self._settings, self._learnt, self._say = answerers, settings, learnt, say
        self._judged = settings.rooms_seed is None
        self._known = Known(0, 0)
        self._began = 0.0

    def due(self) -> bool:
        """Judged once: a session adds nothing to the other rooms."""
        if self._judged:
            return False
        rooms = self._answerers.memory.rooms()
        self._known = Known(len(rooms), sum(rooms.values()), *known_then(self._answerers.memory.folder))
        self._judged = not home_due(self._known)
        return not self._judged

    def order(self) -> Order:
        """A process that holds the student."""
        self._judged = True
        return Order(footprint(model_folder(self._answerers.student.name)))

    def start(self, recipe: Recipe | None, note: str) -> Job:
        """Begin. Raises StorageError."""
        job = new_job(self._settings.jobs / _FOLDER)
        memory, seed = self._answerers.memory.folder.absolute(), self._settings.rooms_seed
        student = self._answerers.student.name
        arguments = ["-m", "agent.learning.rooms", str(job), str(memory), student, str(seed)]
        self._began = time.monotonic()
        return launch(job, _THREADS, arguments)

    def end(self, job: Job, result: Result) -> bool:
        """What was learnt is used from now on; the student has no new adapter by it."""
        if result.outcome != "promote":
            self._say(Failed, what=self.name, error=result.reason)
            return False
        self._learnt()
        seconds = time.monotonic() - self._began
        self._say(RoomsLearnt, rooms=self._known.rooms, pairs=self._known.pairs, seconds=seconds)
        return False

    def put_back(self) -> None:
        """Be due again."""
        self._judged = False


def main(args: Sequence[str]) -> int:
    """`python -m agent.learning.rooms JOB MEMORY STUDENT SEED [--attached]`; returns the exit code."""
    job, memory, student, seed = Path(args[0]), Path(args[1]), args[2], int(args[3])
    if args[4:] == [ATTACHED]:
        end_with_input()
    if hasattr(os, "nice"):
        os.nice(_NICE)
    began = time.monotonic()
    try:
        learn_rooms(memory, student, seed)
        write_result(job, Result("promote", "Learnt.", time.monotonic() - began))
    except RoomwiseError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
