"""What is killed: a home with a bit of everything, and the commands."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tiny_jobs import save_student
from tiny_memory import embedder, frame, jpeg
from tiny_recordings import write_recording
from tiny_sessions import write_visit

from agent.recording.record import read_recording
from agent.sessions.sessions import export
from memory.store import Memory
from memory.transfer import export as export_memory

_ANSWERS = ("red", "two", "on the table", "blue", "a chair")
_PAIRS = {"den": 5, "attic": 4, "hall": 4}
_IDS = {room: number for number, room in enumerate(_PAIRS)}
PREPARED = (
    ("adapt", "--room", "den"),
    ("adapt", "--room", "den", "--seed", "1"),
    ("adapt", "--room", "attic"),
    ("adapt", "--home"),
    ("adapters", "rollback", "attic"),
)
"""What gives the home its adapters."""


@dataclass(frozen=True)
class Verb:
    """A command with the paths of a home, and of the folder that holds what is brought in. `exact`: whether
    it does the same each time. `secret`: words that are gone from memory afterwards. `questions`: so many are
    asked.
    """

    line: str
    exact: bool = True
    secret: str = ""
    questions: int = 0

    @property
    def name(self) -> str:
        return self.line.split()[0]

    @property
    def short(self) -> str:
        """Enough to know it by."""
        return " ".join(self.line.split()[:4])

    def words(self, folder: Path, home: Path) -> list[str]:
        return [word.format(folder=folder, home=home) for word in self.line.split()]


def _pair(room: str, number: int) -> str:
    return f"{_IDS[room] * 256 + number:032x}"


START = Verb("run --headless --room den --source {folder}/views --listen off --no-record", exact=False)
"""The next start: it sweeps, and ends at once."""
TRAINING = (
    Verb("run --headless --room den --source {folder}/views --listen off", exact=False, questions=5),
    Verb("replay {folder}/visit --out {home}/state/replays/mine --expert recorded --warm-up 3", exact=False),
    Verb("adapt --room den --json", exact=False),
    Verb("adapt --home --json", exact=False),
)
OTHERS = (
    Verb(f"memory delete {_pair('attic', 0)} {_pair('attic', 1)}", secret="number 0 of the attic"),
    Verb(f"memory correct {_pair('attic', 1)} green"),
    Verb("memory import {folder}/pairs"),
    Verb("memory export {home}/pairs"),
    Verb("sessions delete visit --yes"),
    Verb("sessions delete replays/then --yes"),
    Verb("sessions redact visit --all --frames --words --yes"),
    Verb("sessions redact visit --turn 1 --frames --yes"),
    Verb("sessions import {folder}/visit.zip --name from-anna"),
    Verb("sessions export visit {home}/visit.zip"),
    Verb("rooms forget attic --yes", secret="of the attic"),
    Verb("rooms merge attic hall --yes"),
    Verb("rooms name attic loft"),
    Verb("adapters rollback den"),
    Verb("adapters promote attic 1"),
    Verb("adapters export den 1 {home}/adapter"),
)


def prepare(folder: Path, do: Callable[[Path, list[str]], int | None]) -> Path:
    """Fill a folder with a home, a student, and what is brought in; returns the home. `do` runs a command."""
    save_student(folder / "student")
    home = folder / "template"
    home.mkdir()
    state = home / "state"
    _remember(state / "memory", _PAIRS)
    _remember(folder / "more", {"hall": 6}, first=50)
    with Memory.open(folder / "more", read_only=True) as memory:
        export_memory(memory, folder / "pairs")
    write_recording(state / "sessions" / "visit", frames=3)
    write_recording(state / "replays" / "then" / "session")
    export(read_recording(state / "sessions" / "visit"), folder / "visit.zip", "zip")
    write_visit(folder / "visit", 6)
    (folder / "views").mkdir()
    shutil.copy(folder / "visit" / "frame-0.jpg", folder / "views")
    for words in PREPARED:
        if do(home, list(words)) != 0:
            raise RuntimeError(f"{words}: {(home / 'log').read_text()[-500:]}")
    do(home, START.words(folder, home))
    return home


def _remember(folder: Path, pairs: dict[str, int], first: int = 0) -> None:
    with Memory.open(folder, embedder()) as memory:
        for room, count in pairs.items():
            for number in range(first, first + count):
                asked = f"What is number {number} of the {room}?"
                seen, answer = frame(number + 100 * _IDS[room]), _ANSWERS[number % 5]
                memory.add(room, seen, asked, answer, "expert", "e", id=_pair(room, number))
            view = np.eye(3, dtype=np.float32)[_IDS[room]]
            memory.gallery.add(room, "rgb", jpeg(500 + _IDS[room]), view, "colours")
