"""Learns from all rooms' pairs what other rooms say to a question; the child may be killed at any moment."""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from adapters.jobs.job import ATTACHED, end_with_input, write_result
from adapters.jobs.request import Recipe, Result
from agent.learning.guard import Order, RoomCounts
from agent.learning.jobs import Job, launch, new_job
from agent.learning.task import JudgedTask, LearningSettings
from agent.turns.answerers import Answerers
from agent.turns.others import learn_from_rooms
from agent.turns.view import EncodedView
from core.errors import RoomwiseError, StorageError
from core.events import Failed, RoomsLearnt
from core.files import atomic_write_text
from core.frames import MAX_PIXELS
from core.ports import Say
from core.types import Answer, Pair
from core.untrusted import parse_json, read_bytes
from memory.store import Memory
from models.embedder import room_embedder
from models.footprint import footprint
from models.images import load_image
from models.registry import load_model, model_folder

_COUNTS = "rooms.json"
_TOKENS = 24
_NICE, _THREADS = 10, 1
_FOLDER = "rooms"
"""Below the jobs, so that a killed process's remains are cleared."""


def learn_rooms(folder: Path, student: str, seed: int) -> None:
    """Learn the votes of the memory in `folder`, and audit them against the bare student. Raises
    UnknownModelError, WeightsError, StorageError.
    """
    model = load_model(student)
    with Memory.open(folder, room_embedder(model), read_only=True) as memory:

        def says(pair: Pair) -> Answer:
            view = EncodedView(model, load_image(memory.frame_path(pair), MAX_PIXELS))
            return model.answer(view.vision, pair.question, _TOKENS)

        rooms = memory.rooms()
        learn_from_rooms(memory, says, seed)
    counts = {"rooms": len(rooms), "pairs": sum(rooms.values())}
    atomic_write_text(folder / _COUNTS, json.dumps(counts) + "\n")


def last_counts(folder: Path) -> tuple[int, int]:
    """The rooms and pairs that were last learnt from; 0 for never."""
    try:
        counts = parse_json(read_bytes(folder / _COUNTS))
        return int(counts["rooms"]), int(counts["pairs"])
    except (StorageError, ValueError, KeyError, TypeError):
        return 0, 0


class RoomsTask(JudgedTask):
    """Learns the votes of all rooms beside a session. Never due without a `seed`."""

    name = "learning from all rooms"

    def __init__(
        self, answerers: Answerers, settings: LearningSettings, learnt: Callable[[], None], say: Say
    ) -> None:
        """`learnt` is called when there are new votes."""
        self._answerers, self._settings, self._learnt, self._say = answerers, settings, learnt, say
        super().__init__(settings.rooms_seed is not None)

    def count(self) -> RoomCounts:
        rooms = self._answerers.memory.rooms()
        return RoomCounts(len(rooms), sum(rooms.values()), *last_counts(self._answerers.memory.folder))

    def order(self) -> Order:
        self._judged = True
        return Order(footprint(model_folder(self._answerers.student.name)))

    def start(self, recipe: Recipe | None, note: str) -> Job:
        job = new_job(self._settings.jobs / _FOLDER)
        memory, seed = self._answerers.memory.folder.absolute(), self._settings.rooms_seed
        student = self._answerers.student.name
        arguments = ["-m", "agent.learning.rooms", str(job), str(memory), student, str(seed)]
        self._began = time.monotonic()
        return launch(job, _THREADS, arguments)

    def end(self, job: Job, result: Result) -> bool:
        if result.outcome != "promote":
            self._say(Failed, what=self.name, error=result.reason)
            return False
        self._learnt()
        seconds = time.monotonic() - self._began
        self._say(RoomsLearnt, rooms=self._counts.rooms, pairs=self._counts.pairs, seconds=seconds)
        return False


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
