"""`python -m bench.studies.edgevl.footprint int8|fp32 PATH`: what a process holds at most, in bytes.

In a process of its own, since a measurement in this one would find whatever else was ever loaded here.
"""

import resource
import subprocess
import sys
from pathlib import Path

import numpy as np

from core.errors import ModelError
from core.extras import load, require

_RUNS = 5
_KIBI = 1 if sys.platform == "darwin" else 1024
"""What the system counts in."""


def peak_bytes(what: str, path: Path) -> int:
    """Of a process that loads an encoder (`int8`: an ONNX file; `fp32`: a folder) and sees some views.

    Raises ModelError when that fails.
    """
    command = [sys.executable, "-m", __name__, what, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ModelError(f"{path} could not be run: {done.stderr.strip()[-200:]}. Get the encoder again.")
    return int(done.stdout)


def _by_onnxruntime(path: str) -> None:
    session = require("onnxruntime", "onnx").InferenceSession(path, providers=["CPUExecutionProvider"])
    side = session.get_inputs()[0].shape[2]
    for _ in range(_RUNS):
        session.run(None, {"pixels": np.zeros((1, 3, side, side), np.float32)})


def _by_torch(path: str) -> None:
    student = load("models.scene.student:load_student")(Path(path))
    load("bench.pretrain.scene.students:turn_off")(student)
    side = student.shape.side
    pixels = load("torch:zeros")(1, 3, side, side)
    with load("torch:inference_mode")():
        for _ in range(_RUNS):
            student(pixels)


def main(what: str, path: str) -> None:
    """See the module."""
    (_by_onnxruntime if what == "int8" else _by_torch)(path)
    sys.stdout.write(f"{_peak()}\n")


def _peak() -> int:
    """Of this program alone: on Linux `ru_maxrss` also counts what the parent held when it forked."""
    status = Path("/proc/self/status")
    if status.is_file():
        (line,) = (row for row in status.read_text().splitlines() if row.startswith("VmHWM:"))
        return 1024 * int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIBI


if __name__ == "__main__":
    main(*sys.argv[1:])
