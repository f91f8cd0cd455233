"""`python -m adapters.worker JOB`: run one adaptation at low priority.

It may be killed at any moment: it writes only into its job directory, the result last. Exit codes: 0 for a
result (also "reject" and "cancelled"), 2 for an error that the result names. With --attached it ends with
its parent, see `adapters.jobs.job`.
"""

import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from adapters.jobs.job import ATTACHED, Cancelled, end_with_input, read_request, read_result, write_result
from adapters.jobs.request import Result
from adapters.scene.request import is_scene, read_scene_request
from core.errors import RoomwiseError
from core.extras import load

_NICE = 10


def main(args: Sequence[str]) -> int:
    """Run the job in the folder `args[0]`; returns the exit code."""
    if len(args) not in (1, 2) or args[1:] not in ([], [ATTACHED]):
        sys.stderr.write(f"usage: python -m adapters.worker JOB [{ATTACHED}]\n")
        return 2
    folder = Path(args[0])
    if args[1:]:
        end_with_input()
    if hasattr(os, "nice"):
        os.nice(_NICE)
    signal.signal(signal.SIGTERM, _cancel)
    started = time.monotonic()
    try:
        if read_result(folder) is None:  # else it has run before
            write_result(folder, work(folder))
    except RoomwiseError as error:
        sys.stderr.write(f"{error}\n")
        _write_last_result(folder, Result("failed", str(error), round(time.monotonic() - started, 3)))
        return error.exit_code
    except Cancelled:
        _write_last_result(
            folder, Result("cancelled", "It was asked to stop.", round(time.monotonic() - started, 3))
        )
    return 0


def work(folder: Path) -> Result:
    """Run the job in this process. Raises Cancelled and RoomwiseError."""
    if is_scene(folder):
        scene: Result = load("adapters.scene.run:run_scene")(folder, read_scene_request(folder))
        return scene
    request = read_request(folder)
    # Imported late: libraries load slowly, and the job may be cancelled meanwhile.
    result: Result = load("adapters.training.run:run")(folder, request)
    return result


def _write_last_result(folder: Path, result: Result) -> None:
    """Write a result, if the folder can be written at all."""
    try:
        write_result(folder, result)
    except RoomwiseError as error:
        sys.stderr.write(f"{error}\n")


def _cancel(number: int, frame: FrameType | None) -> None:
    raise Cancelled


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
