"""Integers by onnxruntime against floating point by torch, the same encoder, in the same process."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bench.measure.intervals import bootstrap_mean, bootstrap_percentile, bootstrap_ratio, exactly
from bench.measure.report import Row, measured
from bench.pretrain.scene.students import turn_off
from bench.studies.edgevl.footprint import peak_bytes
from core.ports import Rows
from models.scene.encoder import by_onnxruntime, exported
from models.scene.exporting import export_onnx
from models.scene.pixels import depth_pixels
from models.scene.student import load_student

_ROUNDS = 40
_WARM = 5
_FRAME = np.random.default_rng(0).integers(500, 5000, (480, 640), dtype=np.uint16)
_FRAME[200:280, 300:400] = 0  # what a depth camera did not measure


def speed_rows(folder: Path, work: Path, threads: int) -> list[Row]:
    """Rows of time a view (batch 1), of size in bytes, and their ratios, for an integer student.

    The runs take turns, so that whatever else the machine does touches both alike.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return _speed_rows(folder, work, threads)
    finally:
        torch.set_num_threads(before)


def _speed_rows(folder: Path, work: Path, threads: int) -> list[Row]:
    student = load_student(folder)
    pixels = torch.rand(1, 3, student.shape.side, student.shape.side) * 2 - 1
    integers = exported(folder)
    run = by_onnxruntime(integers, threads)
    turn_off(student)
    export_onnx(student, work / "float.onnx")
    as_float = by_onnxruntime(work / "float.onnx", threads)
    with torch.inference_mode():
        fast, slow, middle = _in_turns(
            lambda: run(pixels), lambda: student(pixels).numpy(), lambda: as_float(pixels)
        )
    (filling,) = _in_turns(lambda: depth_pixels([_FRAME], student.shape.side))
    weights = sum(tensor.numel() * 4 for tensor in student.state_dict().values())
    sizes = {"int8 onnx": integers.stat().st_size, "fp32 torch": weights}
    return [
        *(
            measured(bootstrap_percentile(times, 50), metric="latency_ms", method=name)
            for name, times in (("int8 onnx", fast), ("fp32 torch", slow), ("fp32 onnx", middle))
        ),
        measured(bootstrap_percentile(filling, 50), metric="pixels_ms", method="depth 640 x 480"),
        measured(
            bootstrap_ratio(slow, fast), metric="times faster", method="int8 onnx", against="fp32 torch",
        ),
        *(measured(exactly(size), metric="bytes", method=name) for name, size in sizes.items()),
        measured(exactly(peak_bytes("int8", integers)), metric="peak bytes", method="int8 onnx"),
        measured(exactly(peak_bytes("fp32", folder)), metric="peak bytes", method="fp32 torch"),
        measured(
            exactly(sizes["int8 onnx"] / sizes["fp32 torch"]),
            metric="share of size", method="int8 onnx", against="fp32 torch",
        ),
    ]  # fmt: skip


def parity_row(ours: Rows, theirs: Rows) -> Row:
    """How alike rows of the exported integers and of the trained ones are: mean cosine over views."""
    return measured(
        bootstrap_mean((ours * theirs).sum(1)), metric="cosine", method="int8 onnx", against="trained int8"
    )


def _in_turns(*runs: Callable[[], object]) -> list[NDArray[np.float64]]:
    """Milliseconds of each of some runs."""
    times = np.empty((len(runs), _ROUNDS))
    for number in range(-_WARM, _ROUNDS):
        for place, run in enumerate(runs):
            began = time.perf_counter()
            run()
            if number >= 0:
                times[place, number] = 1000 * (time.perf_counter() - began)
    return list(times)
