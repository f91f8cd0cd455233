"""The job directory: a worker's input and output.

    request.json     what to do, written first; the examples are spelled out, so no database is needed
    cancel           its presence asks the worker to stop
    progress.jsonl   one line a step
    candidate/       the adapter, whole or absent
    result.json      written last: the job has ended

Paths in a request may be relative to the directory, so that it can be run elsewhere.
"""

import json
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from adapters.jobs.request import Request, Result
from core.errors import StorageError
from core.files import atomic_write_text, private, storage_errors
from core.untrusted import Malformed, parse_json, read_as, typed

ORPHANED_EXIT_CODE = 3
"""Exit code of a worker whose parent has gone."""


def end_with_input() -> None:
    """Exit when standard input ends, as if killed: files on the disk are always whole."""
    threading.Thread(target=_exit_at_end_of_input, name="leash", daemon=True).start()


def _exit_at_end_of_input() -> None:
    # Not sys.stdin: the lock of its buffer would be held while the interpreter shuts down.
    while os.read(0, 1):
        pass
    os._exit(ORPHANED_EXIT_CODE)


REQUEST, RESULT, PROGRESS, CANCEL, CANDIDATE = (
    "request.json", "result.json", "progress.jsonl", "cancel", "candidate",
)  # fmt: skip
SCHEMA = 1
ATTACHED = "--attached"
"""The worker's option to end with its parent."""


class Cancelled(Exception):
    """Somebody asked the job to stop."""


def write_request(folder: Path, request: Request) -> None:
    """Make the job directory. Raises StorageError, also when it holds a job already."""
    if (folder / REQUEST).exists():
        raise StorageError(f"{folder} holds a job already. Choose another folder.")
    _write(folder / REQUEST, {"schema": SCHEMA, **asdict(request)})


def read_request(folder: Path) -> Request:
    """The request, its paths made absolute. Raises StorageError when it is missing or no request."""
    values = read_as(folder / REQUEST, dict[str, Any], StorageError, "Make the job again.")
    if values.pop("schema", None) != SCHEMA:
        raise StorageError(f"{folder / REQUEST} is of another version. Make the job again.")
    try:
        request: Request = typed(Request, _make_absolute(values, folder.resolve()))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise StorageError(f"{folder / REQUEST} is no request: {error}. Make the job again.") from error
    return request


def _make_absolute(values: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The same values with relative paths below `folder`."""

    def absolute(path: object) -> Path | None:
        return None if path is None else folder / str(path)

    for name in ("train", "hold_out", "extra", "replay"):
        for example in values.get(name, ()):
            example["image"], example["signal"] = absolute(example["image"]), absolute(example.get("signal"))
    return {**values, **{name: absolute(values.get(name)) for name in ("current", "probe", "parent")}}


def write_result(folder: Path, result: Result) -> None:
    """End the job. Raises StorageError."""
    _write(folder / RESULT, asdict(result))


def read_result(folder: Path) -> Result | None:
    """How the job ended, None while it has not. Raises StorageError when the file is damaged."""
    if not (folder / RESULT).exists():
        return None
    result: Result = read_as(folder / RESULT, Result, StorageError, "Run the job again.")
    return result


def cancel(folder: Path) -> None:
    """Ask the worker to stop; it does so within a step."""
    atomic_write_text(folder / CANCEL, "")


def cancelled(folder: Path) -> bool:
    """Whether the job was asked to stop."""
    return (folder / CANCEL).exists()


class ProgressLog:
    """Appends lines to progress.jsonl, each in one write."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / PROGRESS

    def say(self, stage: str, **values: float | str) -> None:
        """One line: the stage, and numbers that belong to it. Raises StorageError."""
        line = json.dumps({"stage": stage, **values}) + "\n"
        with storage_errors("write", self._path), open(self._path, "ab", buffering=0, opener=private) as file:
            file.write(line.encode())


def read_progress(folder: Path, start: int = 0) -> Iterator[tuple[dict[str, Any], int]]:
    """Whole lines from byte `start` on, each with the offset after it, for the next call."""
    path = folder / PROGRESS
    if not path.exists():
        return
    with storage_errors("read", path), path.open("rb") as file:
        file.seek(start)
        for line in file:
            if not line.endswith(b"\n"):
                return  # being written, or cut by a kill
            start += len(line)
            try:
                yield typed(dict[str, Any], parse_json(line)), start
            except Malformed as error:
                raise StorageError(f"{path} is damaged: {error}. Make the job again.") from error


def _write(path: Path, values: Mapping[str, Any]) -> None:
    atomic_write_text(path, json.dumps(values, indent=1, default=str) + "\n")
