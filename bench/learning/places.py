"""Which rooms are measured: rendered ones by number, or session folders that are given."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from bench.measure.options import check_split
from bench.rooms.sessions import make_session, write_session
from core.errors import InputError, StorageError
from core.lock import FolderLock, lock_folder

SIZE = 224
"""Pixels across a rendered frame."""
_NEIGHBOURS = 4
_PAUSE = 0.2  # seconds


@dataclass(frozen=True)
class Place:
    """A room to visit: `session` is its folder, None for the rendered room `index` of a split."""

    name: str
    session: Path | None = None
    split: str = ""
    index: int = 0


def rendered_places(split: str, count: int) -> list[Place]:
    """The first rooms of a split. Raises InputError when there is none of that name."""
    check_split(split)
    return [_rendered_place(split, index) for index in range(count)]


def session_places(folder: Path) -> list[Place]:
    """The sessions in a folder, by name. Raises InputError when there is none."""
    folders = sorted(path.parent for path in folder.glob("*/session.json"))
    if not folders:
        raise InputError(f"There is no session folder in {folder}. Check the path.")
    return [Place(path.name, path.absolute()) for path in folders]


def stream_places(source: str, visits: int | None, split: str) -> tuple[list[Place], list[Place]]:
    """The rooms to visit first, and those of the same folder that are left over.

    `wish` is a folder of sessions or a number of rendered rooms, which are of another split than `split`.
    Raises InputError when there are fewer than `visits`.
    """
    if source.isdecimal() and not Path(source).exists():
        places = rendered_places("train" if split == "validation" else "validation", int(source))
    else:
        places = session_places(Path(source))
    count = len(places) if visits is None else visits
    if not 0 < count <= len(places):
        raise InputError(
            f"{count} rooms are to be visited, {source} has {len(places)}. Choose from 1 to that."
        )
    return places[:count], places[count:]


def neighbours(places: Sequence[Place], number: int) -> tuple[Place, ...]:
    """Up to four other rooms, whose questions show what is forgotten: the next ones.

    Rendered rooms go on after the last, so that how many are measured changes nothing; given ones start
    again.
    """
    place = places[number]
    if place.session is None:
        return tuple(_rendered_place(place.split, place.index + 1 + n) for n in range(_NEIGHBOURS))
    around = [*places[number + 1 :], *places[:number]]
    return tuple(around[:_NEIGHBOURS])


def session_of(place: Place, out: Path) -> Path:
    """The session's folder; a rendered one is made below `out` if it is not there. Raises StorageError."""
    if place.session is not None:
        return place.session
    folder = out / place.name / "visit"
    with wait_for_folder(folder.parent):
        if not folder.is_dir():
            write_session(make_session(place.split, place.index, SIZE), folder)
    return folder


@contextmanager
def claim_folder(folder: Path) -> Iterator[bool]:
    """The folder for this process and one thread; False while another process has it. Raises StorageError."""
    lock = _try_lock(folder)
    if lock is None:
        yield False
        return
    torch.set_num_threads(1)
    try:
        yield True
    finally:
        lock.release()


@contextmanager
def wait_for_folder(folder: Path) -> Iterator[None]:
    """The folder for this process, as soon as no other has it."""
    while (lock := _try_lock(folder)) is None:
        time.sleep(_PAUSE)
    try:
        yield
    finally:
        lock.release()


def _try_lock(folder: Path) -> FolderLock | None:
    try:
        return lock_folder(folder)
    except StorageError as error:
        if isinstance(error.__cause__, BlockingIOError):
            return None
        raise


def _rendered_place(split: str, index: int) -> Place:
    return Place(f"{split}-{index}", None, split, index)
