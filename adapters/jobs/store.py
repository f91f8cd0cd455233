"""Numbered adapter versions of each room and of home, never edited; a small file names the current one.

    ROOM/0001/      adapter_config.json, adapter_model.safetensors, version.json
    ROOM/current    {"version": 2, "before": [1]}: replaced atomically; version 0 is the untouched student
    considered      {"rooms": 5, "pairs": 600}: what there was when home was last consolidated

A damaged version is skipped, with its error in `problems`; the last good one takes its place.
"""

import json
import shutil
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from adapters.jobs.job import CANDIDATE, read_result
from core.errors import InputError, RoomwiseError, StorageError, WeightsError
from core.files import atomic_directory, atomic_write_text, delete_folder, storage_errors, sweep
from core.untrusted import parse_json, read_bytes
from models.adapter_files import CONFIG_FILE, VERSION_FILE, WEIGHTS_FILE, check_version

UNTOUCHED = 0
HOME = "@home"
"""Stands for a room in what is consolidated over all rooms; no room can have this name."""
_POINTER, _CONSIDERED = "current", "considered"
_FILES = (CONFIG_FILE, WEIGHTS_FILE, VERSION_FILE)


@dataclass(frozen=True)
class Kind:
    """What a store holds: the files of a version, and the check that returns its version.json."""

    files: tuple[str, ...]
    check: Callable[[Path], dict[str, Any]]


LORA = Kind(_FILES, check_version)


@dataclass(frozen=True)
class Version:
    """One adapter of a room. `about` is its version.json; `problem` says why it cannot be used, or ""."""

    room: str
    number: int
    folder: Path
    about: dict[str, Any] = field(repr=False, default_factory=dict)
    problem: str = ""


class AdapterStore:
    """All adapters below one folder. For one process at a time; reading is safe beside a writer."""

    def __init__(self, root: Path, kind: Kind = LORA) -> None:
        self._root, self._kind = root, kind

    def rooms(self) -> list[str]:
        """Rooms that have adapters."""
        if not self._root.is_dir():
            return []
        folders = (path for path in self._root.iterdir() if path.is_dir())
        return sorted(unquote(path.name) for path in folders if not path.name.startswith("."))

    def versions(self, room: str) -> list[Version]:
        """All versions, oldest first, the damaged ones too."""
        numbers = sorted(int(path.name) for path in self._folder(room).glob("[0-9]*") if path.name.isdigit())
        return [self._version(room, number) for number in numbers]

    def version(self, room: str, number: int) -> Version:
        """One version. Raises InputError when there is none, WeightsError when it is damaged."""
        match = next((version for version in self.versions(room) if version.number == number), None)
        if match is None:
            raise InputError(f"{room} has no adapter {number}. See: roomwise adapters list")
        if match.problem:
            raise WeightsError(match.problem)
        return match

    def current(self, room: str) -> Version | None:
        """The current version, or the last good one before a damaged one; None: the untouched student."""
        chosen, before = self._pointer(room)
        for number in (chosen, *reversed(before)):
            if number == UNTOUCHED:
                return None
            version = self._version(room, number)
            if not version.problem:
                return version
        return None

    def considered(self) -> tuple[int, int]:
        """How many rooms and pairs the last consolidation of home had, whatever came of it; 0 for never."""
        path = self._root / _CONSIDERED
        try:
            values = parse_json(read_bytes(path)) if path.exists() else {"rooms": 0, "pairs": 0}
            return int(values["rooms"]), int(values["pairs"])
        except (StorageError, ValueError, KeyError, TypeError):
            return 0, 0

    def consider(self, rooms: int, pairs: int) -> None:
        """Record a consolidation of home. Raises StorageError."""
        atomic_write_text(self._root / _CONSIDERED, json.dumps({"rooms": rooms, "pairs": pairs}) + "\n")

    def problems(self, room: str) -> list[str]:
        """What is wrong with versions of a room, one sentence each."""
        return [version.problem for version in self.versions(room) if version.problem]

    def adopt(self, room: str, job: Path) -> Version:
        """Make a job's candidate the room's newest and current version. Repeatable.

        Raises InputError without a candidate to promote, WeightsError for a damaged one, StorageError. If
        anything fails, the current version stays.
        """
        result = read_result(job)
        if result is None or result.outcome != "promote":
            reason = "it has not ended" if result is None else f"{result.outcome}: {result.reason}"
            raise InputError(f"The job in {job} has no adapter to promote ({reason}). Adapt again.")
        about = self._kind.check(job / CANDIDATE)
        versions = self.versions(room)
        # An earlier call may have been killed after the copy.
        existing = [version.number for version in versions if not version.problem and version.about == about]
        number = existing[-1] if existing else max([UNTOUCHED, *(version.number for version in versions)]) + 1
        if not existing:
            self._copy(job / CANDIDATE, self._folder(room) / f"{number:04}")
        return self.promote(room, number)

    def sweep(self) -> None:
        """Delete what killed processes left half written or half deleted. Raises StorageError."""
        sweep(self._root)

    def promote(self, room: str, number: int) -> Version:
        """Make this version current. Raises InputError, WeightsError, StorageError."""
        version = self.version(room, number)
        chosen, before = self._pointer(room)
        if chosen != number:
            self._point(room, number, [*before, chosen])
        return version

    def rollback(self, room: str) -> Version | None:
        """Go back to the last good version before the current one, or to the untouched student (None).

        Raises InputError when nothing answered before.
        """
        chosen, before = self._pointer(room)
        if chosen == UNTOUCHED and not before:
            raise InputError(f"{room} is answered by the untouched student; there is nothing to go back to.")
        while before:
            number = before.pop()
            if number == UNTOUCHED or not self._version(room, number).problem:
                self._point(room, number, before)
                return self.current(room)
        self._point(room, UNTOUCHED, [])
        return None

    def rename(self, room: str, name: str) -> None:
        """Move a room's adapters to another name, which must have none. Raises StorageError."""
        source, target = self._folder(room), self._folder(name)
        if source.is_dir():
            with storage_errors("rename", source):
                source.rename(target)

    def forget(self, room: str) -> None:
        """Delete a room's adapters for good, and what an interrupted deletion left. Raises StorageError."""
        folder = self._folder(room)
        if folder.is_dir():
            delete_folder(folder)
        self.sweep()

    def export(self, room: str, number: int, folder: Path) -> Path:
        """Copy a version to a new folder for peft. Raises StorageError when that exists."""
        self._copy(self.version(room, number).folder, folder, shared=True)
        return folder

    def _version(self, room: str, number: int) -> Version:
        folder = self._folder(room) / f"{number:04}"
        try:
            return Version(room, number, folder, self._kind.check(folder))
        except RoomwiseError as error:
            return Version(room, number, folder, problem=str(error))

    def _copy(self, source: Path, target: Path, shared: bool = False) -> None:
        with atomic_directory(target, shared=shared) as folder:
            for name in self._kind.files:
                shutil.copyfile(source / name, folder / name)

    def _pointer(self, room: str) -> tuple[int, list[int]]:
        """The current version and those before it; a damaged file means the newest good one."""
        path = self._folder(room) / _POINTER
        if not path.exists():
            return UNTOUCHED, []
        try:
            values = parse_json(read_bytes(path))
            return int(values["version"]), [int(number) for number in values["before"]]
        except (ValueError, KeyError, TypeError):
            good = [version.number for version in self.versions(room) if not version.problem]
            return (good[-1], good[:-1]) if good else (UNTOUCHED, [])

    def _point(self, room: str, number: int, before: Sequence[int]) -> None:
        values = {"version": number, "before": list(before)}
        atomic_write_text(self._folder(room) / _POINTER, json.dumps(values) + "\n")

    def _folder(self, room: str) -> Path:
        name = quote(room, safe=" ")
        if not name or len(name) > 200:
            raise StorageError(f"{room[:40]!r} cannot be a room's name. Choose a shorter one, not empty.")
        # A name of dots would be another folder, and a leading dot hides it.
        return self._root / (f"%2E{name[1:]}" if name[0] == "." else name)


def display_name(room: str, rooms: Collection[str]) -> str:
    """The name that people see: "home" for HOME, unless a room of theirs has that name."""
    return "home" if room == HOME and "home" not in rooms else room


def parse_name(name: str, rooms: Collection[str]) -> str:
    """The inverse of `display_name`."""
    return HOME if name == "home" and "home" not in rooms else name
