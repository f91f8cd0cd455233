"""One adaptation of the scene encoder to a camera as values, in a job directory of `adapters.jobs.job`."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from adapters.jobs.job import REQUEST
from adapters.scene.course import Course
from core.errors import InputError, StorageError
from core.files import atomic_write_text
from core.untrusted import parse_json, read_as, read_bytes, typed

LEAST = 8
"""Pairs to learn from and to judge by, together."""
_HELD_OUT = 4
_SCHEMA = 1
_COURSE = Course(steps=80, batch=8, rate=1e-4, last=5e-6)


@dataclass(frozen=True)
class SceneRequest:
    """`pairs` are files of a picture and its depth; `base` is the folder of the current encoder.

    `teacher` makes the rows to learn: "" is the encoder itself, which pulls this camera's depth to its
    pictures; else a teacher's name or folder. `before` is the current version, 0 for the built-in one.
    """

    camera: str
    base: Path
    pairs: tuple[tuple[Path, Path], ...]
    hold_out: tuple[tuple[Path, Path], ...]
    teacher: str = ""
    before: int = 0
    course: Course = _COURSE
    seconds: float = 240.0
    threads: int = 1
    seed: int = 0


def split(
    pairs: list[tuple[Path, Path]],
) -> tuple[tuple[tuple[Path, Path], ...], tuple[tuple[Path, Path], ...]]:
    """Pairs to learn from, and every fourth to judge by. Raises InputError when they are too few."""
    if len(pairs) < LEAST:
        raise InputError(f"{len(pairs)} pairs of picture and depth are too few. Take {LEAST} or more.")
    hold_out = tuple(pairs[_HELD_OUT - 1 :: _HELD_OUT])
    return tuple(pair for number, pair in enumerate(pairs) if number % _HELD_OUT != _HELD_OUT - 1), hold_out


def write_scene_request(folder: Path, request: SceneRequest) -> None:
    """Make the job directory. Raises StorageError, also when it holds a job already."""
    if (folder / REQUEST).exists():
        raise StorageError(f"{folder} holds a job already. Choose another folder.")
    values = {"schema": _SCHEMA, "kind": "scene", **asdict(request)}
    atomic_write_text(folder / REQUEST, json.dumps(values, indent=1, default=str) + "\n")


def is_scene(folder: Path) -> bool:
    """Whether the job is of this kind; False for an unreadable file, which `adapters.jobs.job` reports."""
    try:
        return bool(parse_json(read_bytes(folder / REQUEST)).get("kind") == "scene")
    except (StorageError, ValueError, AttributeError):
        return False


def read_scene_request(folder: Path) -> SceneRequest:
    """The request. Raises StorageError when it is missing or no request of this kind."""
    path = folder / REQUEST
    values = read_as(path, dict[str, Any], StorageError, "Make the job again.")
    try:
        if (values.pop("schema"), values.pop("kind")) != (_SCHEMA, "scene"):
            raise ValueError("it is of another kind or version")
        request: SceneRequest = typed(SceneRequest, values)
    except (ValueError, KeyError) as error:
        raise StorageError(f"{path} is no request: {error}. Make the job again.") from error
    return request


_PICTURES = (".jpg", ".jpeg", ".png")
DEPTH = ".depth.png"


def list_pairs(folder: Path) -> list[tuple[Path, Path]]:
    """Pictures below a folder and their depth, FILE.jpg and FILE.depth.png, by name.

    Raises InputError when there is none.
    """
    pictures = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in _PICTURES and not path.name.endswith(DEPTH)
    )
    pairs = [(path.resolve(), path.with_name(path.stem + DEPTH).resolve()) for path in pictures]
    whole = [pair for pair in pairs if pair[1].is_file()]
    if not whole:
        raise InputError(
            f"No picture below {folder} has its depth beside it. Expected FILE.jpg and FILE{DEPTH}."
        )
    return whole
