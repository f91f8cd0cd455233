"""The job directory: all that a worker needs, and all that it says.

    request.json     what to do, written first; the examples are spelled out, so no database is needed
    cancel           its presence asks the worker to stop
    progress.jsonl   one line a step
    candidate/       the adapter, whole or absent
    result.json      written last: its presence means that the job has ended

Paths in a request may be relative to the directory, so that it can be copied and run elsewhere.
"""

import json
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pydantic

from adapters.jobs.request import Request, Result
from core.errors import StorageError
from core.files import atomic_write_text, read_object, storage_errors

LEFT_ALONE = 3
"""Exit code of a process that ended so."""


def end_with_input() -> None:
    """From now on leave as if killed when standard input ends: whatever is on the disk by then is whole."""
    threading.Thread(target=_wait, name="leash", daemon=True).start()


def _wait() -> None:
    # Not sys.stdin: the lock of its buffer would be held while the interpreter shuts down.
    while os.read(0, 1):
        pass
    os._exit(LEFT_ALONE)


REQUEST, RESULT, PROGRESS, CANCEL, CANDIDATE = (
    "request.json", "result.json", "progress.jsonl", "cancel", "candidate",
)  # fmt: skip
SCHEMA = 1
ATTACHED = "--attached"
"""What a worker is told beside the directory when it is to end with whoever started it."""


class Cancelled(Exception):
    """Somebody asked the job to stop."""


def write_request(folder: Path, request: Request) -> None:
    """Make the job directory. Raises StorageError, also when it holds a job already."""
    if (folder / REQUEST).exists():
        raise StorageError(f"{folder} holds a job already. Choose another folder.")
    _write(folder / REQUEST, {"schema": SCHEMA, **asdict(request)})


def read_request(folder: Path) -> Request:
    """The request, its paths made absolute. Raises StorageError when it is missing or no request."""
    values = read_object(folder / REQUEST, StorageError, "Make the job again.")
    if values.pop("schema", None) != SCHEMA:
        raise StorageError(f"{folder / REQUEST} is of another version. Make the job again.")
    try:
        request = pydantic.TypeAdapter(Request).validate_python(_rooted(values, folder.resolve()))
    except (ValueError, TypeError) as error:
        raise StorageError(f"{folder / REQUEST} is no request: {error}. Make the job again.") from error
    return request


def _rooted(values: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The same with every path below `folder` where it was relative."""

    def rooted(path: object) -> Path | None:
        return None if path is None else folder / str(path)

    for name in ("train", "hold_out", "extra", "replay"):
        for example in values.get(name, ()):
            example["image"], example["signal"] = rooted(example["image"]), rooted(example.get("signal"))
    return {**values, **{name: rooted(values.get(name)) for name in ("current", "probe", "parent")}}


def write_result(folder: Path, result: Result) -> None:
    """End the job. Raises StorageError."""
    _write(folder / RESULT, asdict(result))


def read_result(folder: Path) -> Result | None:
    """How the job ended, None while it has not. Raises StorageError when the file is damaged."""
    if not (folder / RESULT).exists():
        return None
    try:
        result: Result = pydantic.TypeAdapter(Result).validate_python(
            read_object(folder / RESULT, StorageError, "Make the job again.")
        )
    except pydantic.ValidationError as error:
        raise StorageError(f"{folder / RESULT} is damaged. Run the job again.") from error
    return result


def cancel(folder: Path) -> None:
    """Ask the worker to stop; it does so within a step."""
    atomic_write_text(folder / CANCEL, "")


def cancelled(folder: Path) -> bool:
    """Whether somebody asked."""
    return (folder / CANCEL).exists()


class ProgressLog:
    """Appends lines to progress.jsonl; each is written at once and whole."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / PROGRESS

    def say(self, stage: str, **values: float | str) -> None:
        """One line: the stage, and numbers that belong to it. Raises StorageError."""
        line = json.dumps({"stage": stage, **values}) + "\n"
        with storage_errors("write", self._path), self._path.open("ab", buffering=0) as file:
            file.write(line.encode())


def read_progress(folder: Path, start: int = 0) -> Iterator[tuple[dict[str, Any], int]]:
    """Whole lines from byte `start` on, each with the byte after it: where to go on reading next time."""
    path = folder / PROGRESS
    if not path.exists():
        return
    with storage_errors("read", path), path.open("rb") as file:
        file.seek(start)
        for line in file:
            if not line.endswith(b"\n"):
                return  # being written, or cut by a kill
            start += len(line)
            yield json.loads(line), start


def _write(path: Path, values: Mapping[str, Any]) -> None:
    atomic_write_text(path, json.dumps(values, indent=1, default=str) + "\n")
