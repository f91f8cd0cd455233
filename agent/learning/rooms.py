"""What the pairs of all rooms say to a question, learnt anew from memory: now, or beside a session.

The child has a low priority, writes whole files into the memory's folder and nothing else, and can be killed
at any moment: what was learnt before is still there then.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from adapters.job import ATTACHED
from adapters.leash import end_with_input
from agent.learning.adaptations import Say
from agent.learning.scheduler import Known, home_due
from agent.turns.look import Look
from agent.turns.others import learn_from_rooms, other_rooms
from agent.turns.turn import Mind
from core.errors import RoomwiseError
from core.events import Failed, RoomsLearnt
from core.files import atomic_write_text
from core.types import Answer, Pair
from memory.frames import MAX_PIXELS
from memory.store import Memory
from models.embedder import room_embedder
from models.images import load_image
from models.registry import load_model

_KNOWN = "rooms.json"
_TOKENS = 24
_NICE = 10
_PATIENCE = 5.0


def learn_rooms(folder: Path, student: str, seed: int) -> None:
    """Learn from the memory in `folder` which pairs bear on what, and audit that against the bare student.

    Raises UnknownModelError, WeightsError, StorageError.
    """
    model = load_model(student)
    with Memory.open(folder, room_embedder(model), read_only=True) as memory:

        def says(pair: Pair) -> Answer:
            look = Look(model, load_image(memory.frame_path(pair), MAX_PIXELS))
            return model.answer(look.vision, pair.question, _TOKENS)

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


class RoomsLearning:
    """At most one child, judged due once a session: a session adds nothing to the other rooms."""

    def __init__(self, mind: Mind, seed: int | None, say: Say) -> None:
        """Without a `seed` there never is one."""
        self._mind, self._seed, self._say = mind, seed, say
        self._child: subprocess.Popen[bytes] | None = None
        self._known = Known(0, 0)
        self._began = 0.0
        self._settled = seed is None

    @property
    def running(self) -> bool:
        """Whether there is a child whose end has not been heard."""
        return self._child is not None

    def start_if_due(self) -> None:
        """Begin if the time has come."""
        if self._settled:
            return
        self._settled = True
        memory = self._mind.memory
        rooms = memory.rooms()
        self._known = Known(len(rooms), sum(rooms.values()), *known_then(memory.folder))
        if home_due(self._known):
            arguments = [str(memory.folder), self._mind.student.name, str(self._seed), ATTACHED]
            environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
            self._child = subprocess.Popen(
                [sys.executable, "-m", "agent.learning.rooms", *arguments],
                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment,
            )  # fmt: skip
            self._began = time.monotonic()

    def look(self) -> None:
        """Hear whether it has ended; from then on what it learnt is used."""
        child = self._child
        if child is None or child.poll() is None:
            return
        self._child = None
        said = child.communicate()[1].decode("utf-8", "replace").strip().splitlines()
        if child.returncode:
            self._say(Failed, what="learning from all rooms", error=said[-1] if said else "It was killed.")
            return
        self._mind.others = other_rooms(self._mind.memory)
        seconds = time.monotonic() - self._began
        self._say(RoomsLearnt, rooms=self._known.rooms, pairs=self._known.pairs, seconds=seconds)

    def stop(self) -> None:
        """End it; it is due again next time."""
        child, self._child = self._child, None
        if child is not None:
            child.terminate()
            try:
                child.communicate(timeout=_PATIENCE)
            except subprocess.TimeoutExpired:
                child.kill()
                child.communicate()


def main(args: Sequence[str]) -> int:
    """`python -m agent.learning.rooms MEMORY STUDENT SEED [--attached]`; returns the exit code."""
    if args[3:] == [ATTACHED]:
        end_with_input()
    if hasattr(os, "nice"):
        os.nice(_NICE)
    try:
        learn_rooms(Path(args[0]), args[1], int(args[2]))
    except RoomwiseError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
