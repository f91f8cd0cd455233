"""`python -m adapters.worker JOB`: one adaptation as a process of low priority, then exit.

It can be killed at any moment: it only ever writes into its job directory, and the result last. Exit
codes: 0 for a result (also "reject" and "cancelled"), 2 for an error that the result names.

With --attached it ends with whoever started it, see `adapters.jobs.job`.
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
    """Run the job in the folder that is the first argument; returns the exit code."""
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
        _tell(folder, Result("failed", str(error), round(time.monotonic() - started, 3)))
        return error.exit_code
    except Cancelled:
        _tell(folder, Result("cancelled", "It was asked to stop.", round(time.monotonic() - started, 3)))
    return 0


def work(folder: Path) -> Result:
    """Run the job in this process, with the threads it may use. Raises Cancelled and RoomwiseError."""
    if is_scene(folder):
        scene: Result = load("adapters.scene.run:run_scene")(folder, read_scene_request(folder))
        return scene
    request = read_request(folder)
    # The libraries take long to import; whoever started this may be gone, or ask it to stop, before then.
    result: Result = load("adapters.training.run:run")(folder, request)
    return result


def _tell(folder: Path, result: Result) -> None:
    """Leave a result behind, if the folder can be written at all."""
    try:
        write_result(folder, result)
    except RoomwiseError as error:
        sys.stderr.write(f"{error}\n")


def _cancel(number: int, frame: FrameType | None) -> None:
    raise Cancelled


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
